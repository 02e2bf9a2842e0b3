// The frame around the pages: login, navigation, which page is open.

import { token, whenRefused } from './api.js';
import { h, icon, replace } from './dom.js';
import { Live } from './live.js';
import { loginPage } from './login.js';
import * as plane from './plane.js';
import { themeButton } from './theme.js';

const app = document.getElementById('app');
document.getElementById('skip').addEventListener('click', (event) => {
  // The fragment of the address is the page's.
  event.preventDefault();
  document.querySelector('main')?.focus();
});

/** Ends everything that belongs to who is logged in. */
let session = new AbortController();

function showLogin(why) {
  session.abort();
  document.title = 'Log in · Frontier console';
  replace(app, loginPage(plane, why, start));
}

function start() {
  session.abort();
  session = new AbortController();
  const { signal } = session;
  const live = new Live();
  const main = h('main', { id: 'main', tabindex: -1 });
  const links = plane.pages.map((page) => h('a', { href: `#/${page.path}` }, icon(page.icon), h('span', {}, page.name)));
  const leave = h('button', { class: 'quiet square', type: 'button', 'aria-label': 'Log out', title: 'Log out' }, icon('leave'));
  leave.addEventListener('click', () => { token.forget(); showLogin(''); });
  replace(app,
    h('header', { class: 'top' },
      h('a', { class: 'brand', href: '#/' }, h('img', { src: 'mark.svg', alt: '', width: 28, height: 28 }), h('span', {}, 'Frontier'),
        h('small', {}, plane.product)),
      state(live, signal), h('div', { class: 'tools' }, themeButton(), token.get() && leave)),
    h('nav', { class: 'side', 'aria-label': 'Pages' }, links), main);
  plane.follow(live, signal);

  let open = new AbortController();
  let path = null;
  let inspect = null;
  const go = () => {
    const [, name = '', id = ''] = location.hash.split('/');
    const index = Math.max(0, plane.pages.findIndex((it) => it.path === name));
    const page = plane.pages[index];
    links.forEach((link, at) => (at === index ? link.setAttribute('aria-current', 'page') : link.removeAttribute('aria-current')));
    document.title = `${page.name} · Frontier console`;
    // Whoever is looked at is a part of the list that is open already.
    if (path !== page.path) {
      open.abort();
      open = new AbortController();
      path = page.path;
      inspect = page.open(main, live, open.signal);
    }
    inspect?.(id);
  };
  addEventListener('hashchange', go, { signal });
  signal.addEventListener('abort', () => open.abort(), { once: true });
  go();
}

/** Whether what is shown is what is so now. */
function state(live, signal) {
  const words = { live: 'live', lost: 'connecting again', connecting: 'connecting' };
  const element = h('p', { class: 'state', role: 'status' });
  const show = () => {
    const { state: name, why } = live.status;
    element.className = `state ${name}`;
    element.title = why;
    replace(element, h('span', { class: 'dot' }), h('span', {}, words[name]));
  };
  live.on('status', show, signal);
  show();
  return element;
}

whenRefused((refusal) => {
  const had = token.get();
  token.forget();
  showLogin(had ? refusal.message : '');
});

// Where no credentials are asked for, or the browser's certificate is enough, nobody has to log in.
plane.check().then(start, (error) => { if (error.status !== 401) showLogin(error.message); });
