// Texas Hold'em against the house: deal, bet, flop, turn, river, showdown
const word = $('#message');
let deck, mine, theirs, open, pot, chips = 1000, played = 0;
const rank = c => '23456789TJQKA'.indexOf(c[0]);
const value = cards => {
  const n = {}, s = {};
  cards.forEach(c => { n[rank(c)] = (n[rank(c)] || 0) + 1; s[c[1]] = (s[c[1]] || 0) + 1; });
  const sets = Object.entries(n).sort((a, b) => b[1] - a[1] || b[0] - a[0]), flush = Object.values(s).some(v => v > 4);
  const run = Object.keys(n).some(k => [1, 2, 3, 4].every(d => n[+k + d]));
  const k = sets[0][1], p = sets[1] ? sets[1][1] : 0;
  const kind = run && flush ? 8 : k > 3 ? 7 : k > 2 && p > 1 ? 6 : flush ? 5 : run ? 4 : k > 2 ? 3 : k > 1 && p > 1 ? 2 : k > 1 ? 1 : 0;
  return [kind, +sets[0][0]];
};
const names = ['{{high card|高牌}}', '{{a pair|一对}}', '{{two pairs|两对}}', '{{three of a kind|三条}}', '{{a straight|顺子}}', '{{a flush|同花}}', '{{a full house|葫芦}}', '{{four of a kind|四条}}', '{{a straight flush|同花顺}}'];
const face = (box, cards, back) => $(box).replaceChildren(...cards.map(c => make('span', back ? '?' : c, 'playing' + ('♥♦'.includes(c[1]) ? ' red' : ''))));
const paint = done => { face('#mine', mine); face('#house', theirs, !done); face('#table', open); $('#pot').textContent = pot; $('#chips').textContent = chips; };
const bet = n => { n = Math.min(n, chips); chips -= n; pot += 2 * n; };
const deal = () => { deck = [...'23456789TJQKA'].flatMap(r => [...'♠♥♦♣'].map(s => r + s)).sort(() => Math.random() - .5); mine = deck.splice(0, 2); theirs = deck.splice(0, 2); open = []; pot = 0; bet(10); word.textContent = '{{Your move: check, bet or fold.|轮到你：过牌、下注或弃牌。}}'; paint(); };
const end = text => { played++; word.textContent = text; $('#games').prepend(make('li', '#' + played + ' ' + text)); pot = 0; open.length = 5; };
const next = () => {
  if (open.length > 4) return deal();
  open.push(...deck.splice(0, open.length ? 1 : 3));
  if (open.length < 5) return paint();
  const [a, b] = [value([...mine, ...open]), value([...theirs, ...open])], won = a[0] - b[0] || a[1] - b[1];
  chips += won > 0 ? pot : won ? 0 : pot / 2;
  paint(true);
  const text = (won > 0 ? '{{You win with |你赢了：}}' : won ? '{{House wins with |庄家赢：}}' : '{{Split pot: |平分：}}') + names[(won < 0 ? b : a)[0]];
  played++; word.textContent = text; $('#games').prepend(make('li', '#' + played + ' ' + text));
};
$('#check').onclick = next;
$('#bet').onclick = () => { bet(+$('#stake').value || 20); next(); };
$('#fold').onclick = () => { $('#games').prepend(make('li', '#' + ++played + ' {{folded|弃牌}}')); deal(); };
$('#new').onclick = deal;
deal();
