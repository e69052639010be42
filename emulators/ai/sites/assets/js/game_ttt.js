// Tic-tac-toe against a simple opponent
const board = $('#board'), word = $('#message'), rows = ['012', '345', '678', '036', '147', '258', '048', '246'];
let cells, wins = 0;
const three = m => rows.some(r => [...r].every(i => cells[i] === m));
const pick = () => { const free = cells.flatMap((c, i) => c ? [] : i), find = m => free.find(i => { cells[i] = m; const w = three(m); cells[i] = ''; return w; }); return find('O') ?? find('X') ?? (free.includes(4) ? 4 : free[Math.random() * free.length | 0]); };
const paint = () => board.replaceChildren(...cells.map((c, i) => Object.assign(make('button', c, 'tile'), { ariaLabel: String(i + 1), onclick: () => play(i) })));
const play = i => {
  if (cells[i] || three('X') || three('O')) return;
  cells[i] = 'X';
  if (three('X')) { word.textContent = '{{You win!|你赢了！}}'; $('#score').textContent = ++wins; } else if (cells.every(Boolean)) word.textContent = '{{A draw|平局}}'; else { cells[pick()] = 'O'; if (three('O')) word.textContent = '{{You lose|你输了}}'; }
  paint();
};
const start = () => { cells = Array(9).fill(''); word.textContent = ''; paint(); };
$('#new').onclick = start;
start();
