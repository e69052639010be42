// Snake
const ctx = $('#board').getContext('2d'), css = getComputedStyle(document.body), word = $('#message');
let body, way, food, points, timer;
const place = () => food = [Math.random() * 20 | 0, Math.random() * 20 | 0];
const step = () => {
  const head = [body[0][0] + way[0], body[0][1] + way[1]];
  if (head.some(v => v < 0 || v > 19) || body.some(b => b + '' === head + '')) { clearInterval(timer); word.textContent = '{{Game over|游戏结束}}'; return; }
  body.unshift(head);
  if (head + '' === food + '') { points += 10; $('#score').textContent = points; place(); } else body.pop();
  ctx.clearRect(0, 0, 320, 320);
  ctx.fillStyle = css.getPropertyValue('--accent');
  body.forEach(([x, y]) => ctx.fillRect(x * 16 + 1, y * 16 + 1, 14, 14));
  ctx.beginPath(); ctx.arc(food[0] * 16 + 8, food[1] * 16 + 8, 6, 0, 7); ctx.fill();
};
const start = () => { body = [[10, 10], [9, 10], [8, 10]]; way = [1, 0]; points = 0; $('#score').textContent = 0; word.textContent = ''; place(); clearInterval(timer); timer = setInterval(step, 140); };
const ways = { Up: [0, -1], Down: [0, 1], Left: [-1, 0], Right: [1, 0] };
const turn = d => { if (ways[d] && ways[d][0] !== -way[0]) way = ways[d]; };
addEventListener('keydown', e => { const d = e.key.replace('Arrow', ''); if (ways[d]) { e.preventDefault(); turn(d); } });
$$('[data-move]').forEach(b => b.onclick = () => turn(b.dataset.move));
$('#new').onclick = start;
start();
