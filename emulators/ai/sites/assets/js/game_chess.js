// Chess: the moves of each piece, undo, resign, a simple opponent
const board = $('#board'), word = $('#message'), log = $('#moves');
let men, past, turn, from;
const start = () => { men = [...'♜♞♝♛♚♝♞♜♟♟♟♟♟♟♟♟' + ' '.repeat(32) + '♙♙♙♙♙♙♙♙♖♘♗♕♔♗♘♖']; past = []; turn = 'w'; from = null; log.replaceChildren(); paint(); };
const side = m => m === ' ' ? '' : '♔♕♖♗♘♙'.includes(m) ? 'w' : 'b';
const rays = { R: [[0, 1], [1, 0], [0, -1], [-1, 0]], B: [[1, 1], [1, -1], [-1, 1], [-1, -1]], N: [[1, 2], [2, 1], [-1, 2], [-2, 1], [1, -2], [2, -1], [-1, -2], [-2, -1]] };
rays.Q = rays.K = [...rays.R, ...rays.B];
const moves = i => {
  const m = men[i], w = side(m), t = 'KQRBNP'['♔♕♖♗♘♙♚♛♜♝♞♟'.indexOf(m) % 6], r = i >> 3, c = i & 7, out = [];
  const try_ = (y, x, take) => { if (y < 0 || x < 0 || y > 7 || x > 7) return 0; const s = side(men[y * 8 + x]); if (s === w || (take === 0 && s) || (take === 1 && !s)) return 0; out.push(y * 8 + x); return !s; };
  if (t === 'P') { const d = w === 'w' ? -1 : 1; if (try_(r + d, c, 0) && r === (d < 0 ? 6 : 1)) try_(r + 2 * d, c, 0); try_(r + d, c - 1, 1); try_(r + d, c + 1, 1); return out; }
  rays[t].forEach(([y, x]) => { for (let n = 1; try_(r + y * n, c + x * n) && !'NK'.includes(t); n++); });
  return out;
};
const name = i => 'abcdefgh'[i & 7] + (8 - (i >> 3));
const go = (a, b) => { past.push([...men]); const took = men[b]; men[b] = men[a] === '♙' && b < 8 ? '♕' : men[a] === '♟' && b > 55 ? '♛' : men[a]; men[a] = ' '; log.append(make('li', men[b] + ' ' + name(a) + '–' + name(b))); turn = turn === 'w' ? 'b' : 'w'; from = null; if ('♚♔'.includes(took)) { word.textContent = '{{Game over.|对局结束。}}'; turn = ''; } paint(); };
const reply = () => { const all = men.flatMap((m, i) => side(m) === 'b' ? moves(i).map(t => [i, t]) : []); if (turn !== 'b' || !all.length) return; const best = $('#level').value > 0 ? all.filter(([, t]) => men[t] !== ' ') : []; const pool = best.length ? best : all; go(...pool[Math.random() * pool.length | 0]); };
const paint = () => {
  const can = from === null ? [] : moves(from);
  board.replaceChildren(...men.map((m, i) => Object.assign(make('button', m, 'sq' + ((i + (i >> 3)) % 2 ? ' dark' : '') + (can.includes(i) ? ' can' : '') + (i === from ? ' on' : '')), { ariaLabel: name(i), onclick: () => { if (can.includes(i)) { go(from, i); setTimeout(reply, 350); } else { from = side(m) === turn ? i : null; paint(); } } })));
  if (turn) word.textContent = turn === 'w' ? '{{White to move|白方走}}' : '{{Black to move|黑方走}}';
};
$('#new').onclick = start;
$('#join').onclick = () => { start(); go(52, 36); reply(); };
$('#undo').onclick = () => { if (past.length) { men = past.pop(); if (past.length && turn === 'w') { men = past.pop(); log.lastChild.remove(); } log.lastChild?.remove(); turn = 'w'; paint(); } };
$('#resign').onclick = () => { turn = ''; word.textContent = '{{You resigned. Black wins.|你认输了，黑方胜。}}'; };
$('#theme').onchange = e => board.dataset.theme = e.target.value;
start();
