// Sorting game: put each thing into its bin
const things = [['📰', '{{Newspaper|报纸}}', 0], ['🍌', '{{Banana peel|香蕉皮}}', 1], ['🥫', '{{Tin can|罐头}}', 2], ['🍾', '{{Bottle|玻璃瓶}}', 3], ['📦', '{{Cardboard box|纸箱}}', 0], ['🍎', '{{Apple core|苹果核}}', 1], ['🥤', '{{Plastic cup|塑料杯}}', 2], ['🫙', '{{Jar|玻璃罐}}', 3]];
let now, points = 0, streak = 0;
const next = () => { now = things[Math.random() * things.length | 0]; $('#thing').textContent = now[0]; $('#label').textContent = now[1]; };
$$('[data-bin]').forEach(bin => bin.onclick = () => {
  const right = +bin.dataset.bin === now[2];
  streak = right ? streak + 1 : 0;
  points += right ? 10 + 2 * streak : 0;
  $('#score').textContent = points;
  $('#message').textContent = right ? '{{Yes! Well sorted.|答对了！}}' + (streak % 5 ? '' : ' {{A star for you ★|获得一颗星 ★}}') : '{{Not quite: it belongs in |不对，应该放进：}}' + $(`[data-bin="${now[2]}"]`).textContent;
  if (right && streak % 5 === 0) $('#stars').textContent += '★';
  next();
});
$('#new').onclick = () => { points = streak = 0; $('#score').textContent = 0; $('#stars').textContent = ''; next(); };
next();
