const $ = (q, el = document) => el.querySelector(q);
const $$ = (q, el = document) => [...el.querySelectorAll(q)];
const make = (tag, text, name = '') => Object.assign(document.createElement(tag), { textContent: text, className: name });
