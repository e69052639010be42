// Pairs: turn two, keep those that match
const board = $('#board'), word = $('#message');
let open, tries, left;
const start = () => {
  const faces = [...'♠♥♦♣★☀♪✿'].flatMap(f => [f, f]).sort(() => Math.random() - .5);
  open = []; tries = 0; left = 8; word.textContent = ''; $('#score').textContent = 0;
  board.replaceChildren(...faces.map(f => Object.assign(make('button', '', 'tile'), { ariaLabel: '{{card|卡片}}', onclick: e => turn(e.currentTarget, f) })));
};
const turn = (tile, f) => {
  if (tile.textContent || open.length > 1) return;
  tile.textContent = f;
  open.push(tile);
  if (open.length < 2) return;
  $('#score').textContent = ++tries;
  const [a, b] = open;
  if (a.textContent === b.textContent) { open = []; if (!--left) word.textContent = '{{All found! Tries: |全部找到！次数：}}' + tries; }
  else setTimeout(() => { a.textContent = b.textContent = ''; open = []; }, 700);
};
$('#new').onclick = start;
start();
