// 2048
const board = $('#board'), score = $('#score'), word = $('#message');
let cells, points;
const drop = () => { const free = cells.flatMap((v, i) => v ? [] : i); if (free.length) cells[free[Math.random() * free.length | 0]] = Math.random() < .9 ? 2 : 4; };
const line = (d, n) => [0, 1, 2, 3].map(i => d === 'Left' ? n * 4 + i : d === 'Right' ? n * 4 + 3 - i : d === 'Up' ? i * 4 + n : (3 - i) * 4 + n);
const squeeze = v => { const out = []; v = v.filter(Boolean); while (v.length) { const a = v.shift(); if (v[0] === a) { v.shift(); points += a * 2; out.push(a * 2); } else out.push(a); } return [...out, 0, 0, 0, 0].slice(0, 4); };
const slid = d => { const next = [...cells]; for (let n = 0; n < 4; n++) { const at = line(d, n), v = squeeze(at.map(i => cells[i])); at.forEach((i, k) => next[i] = v[k]); } return next; };
const dirs = ['Up', 'Down', 'Left', 'Right'];
const paint = () => {
  board.replaceChildren(...cells.map(v => Object.assign(make('div', v || '', 'tile'), { style: `--v:${v ? Math.log2(v) * 9 : 0}%` })));
  score.textContent = points;
  const keep = points, stuck = dirs.every(d => slid(d).join() === cells.join());
  points = keep;
  word.textContent = cells.includes(2048) ? '{{2048! You win.|2048！你赢了。}}' : stuck ? '{{Game over. Revive to play on.|游戏结束，可以复活继续。}}' : '';
  $('#revive').disabled = !stuck;
};
const move = d => { const next = slid(d); if (next.join() !== cells.join()) { cells = next; drop(); } paint(); };
const start = () => { cells = Array(16).fill(0); points = 0; drop(); drop(); paint(); };
$('#new').onclick = start;
$('#revive').onclick = () => { cells = cells.map(v => v <= 4 ? 0 : v); drop(); paint(); };
$$('[data-move]').forEach(b => b.onclick = () => move(b.dataset.move));
addEventListener('keydown', e => { const d = e.key.replace('Arrow', ''); if (dirs.includes(d)) { e.preventDefault(); move(d); } });
start();
