// Realm: gather, spend, train, fight
const have = { gold: 120, iron: 60, wood: 80, wheat: 90 }, own = { city: 1, workers: 3, soldiers: 4, bank: 0 };
const races = { Humans: '+10% gold', Dragonborns: '+15% attack', Elves: '+15% wood', Dwarfs: '+20% iron' };
const say = t => $('#message').textContent = t;
const paint = () => { for (const [k, v] of Object.entries({ ...have, ...own })) $$('[data-of=' + k + ']').forEach(e => e.textContent = Math.floor(v)); };
const pay = cost => { const short = Object.keys(cost).find(k => have[k] < cost[k]); if (short) { say('{{Not enough |资源不足：}}' + short); return false; } for (const k in cost) have[k] -= cost[k]; return true; };
const deeds = {
  city: () => pay({ gold: 40, wood: 30 }) && (own.city++, '{{The city grows to level |城市升级至 }}' + own.city),
  workers: () => pay({ gold: 25, wheat: 10 }) && (own.workers++, '{{A worker joins|新增一名工人}}'),
  soldiers: () => pay({ gold: 30, iron: 15 }) && (own.soldiers++, '{{A soldier is trained|训练了一名士兵}}'),
  upgrade: () => pay({ iron: 30, wood: 20 }) && (own.soldiers += 2, '{{Sharper swords|武器升级}}'),
  bank: () => pay({ gold: 20 }) && (own.bank += 20, '{{20 gold put in the bank|存入 20 金币}}'),
  battle: () => Math.random() * 12 < own.soldiers ? (have.gold += 50, '{{Victory! 50 gold won|胜利！获得 50 金币}}') : (own.soldiers = Math.max(0, own.soldiers - 1), '{{Defeat. One soldier lost|战败，损失一名士兵}}'),
};
$$('[data-deed]').forEach(b => b.onclick = () => { const t = deeds[b.dataset.deed](); if (t) { say(t); $('#events').prepend(make('li', t)); } paint(); });
$$('[data-race]').forEach(b => b.onclick = () => { $$('[data-race]').forEach(o => o.ariaPressed = o === b); say(b.dataset.race + ': ' + races[b.dataset.race]); });
setInterval(() => { for (const k in have) have[k] += own.workers / 6; paint(); }, 2000);
paint();
