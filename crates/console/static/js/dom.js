// Elements, made without markup: text stays text whoever it comes from.

const SVG = 'http://www.w3.org/2000/svg';

function fill(element, props, children) {
  for (const [key, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (key === 'class') element.setAttribute('class', value);
    else if (key === 'value') element.value = value;
    else element.setAttribute(key, value === true ? '' : value);
  }
  for (const child of children.flat(Infinity)) {
    if (child !== undefined && child !== null && child !== false) element.append(child);
  }
  return element;
}

/** An element of HTML. Keys that begin with `on` are listeners. */
export const h = (tag, props, ...children) => fill(document.createElement(tag), props, children);

/** An element of SVG. */
export const svg = (tag, props, ...children) => fill(document.createElementNS(SVG, tag), props, children);

const PATHS = {
  cluster: 'M12 4.5a2.5 2.5 0 1 0 0 .01M5.5 17.5a2.5 2.5 0 1 0 0 .01M18.5 17.5a2.5 2.5 0 1 0 0 .01M11 7l-4.5 8.5M13 7l4.5 8.5M8 17.5h8',
  overview: 'M4 19V5M4 19h16M8 15l3.5-5 3.5 3L19.5 7',
  edges: 'M8 3.5h8a1.5 1.5 0 0 1 1.5 1.5v14a1.5 1.5 0 0 1-1.5 1.5H8A1.5 1.5 0 0 1 6.5 19V5A1.5 1.5 0 0 1 8 3.5zM11 17.5h2',
  services: 'M4.5 5h15v5.5h-15zM4.5 13.5h15V19h-15zM8 7.75h.01M8 16.25h.01',
  events: 'M4 6.5h16M4 12h16M4 17.5h10',
  gateway: 'M8 4v16M16 4v16M3.5 9h17l-2.5-2.5M20.5 15h-17l2.5 2.5',
  light: 'M12 7.5a4.5 4.5 0 1 0 .01 0zM12 2.5V4M12 20v1.5M2.5 12H4M20 12h1.5M5.3 5.3l1 1M17.7 17.7l1 1M18.7 5.3l-1 1M6.3 17.7l-1 1',
  dark: 'M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10z',
  auto: 'M12 3.5a8.5 8.5 0 1 0 .01 0zM12 3.5v17M12 8h4.5M12 12h6M12 16h4.5',
  leave: 'M10 4.5H5.5v15H10M14.5 8l4 4-4 4M18 12H9.5',
  close: 'M6 6l12 12M18 6L6 18',
  search: 'M10.5 4.5a6 6 0 1 0 .01 0zM15 15l5 5',
};

/** A line drawing, for beside a word: it has no name of its own. */
export const icon = (name) => svg('svg', { class: 'icon', viewBox: '0 0 24 24', 'aria-hidden': 'true' },
  svg('path', { d: PATHS[name] }));

/** Puts these in place of what is there. */
export const replace = (element, ...children) => element.replaceChildren(...children.flat(Infinity).filter(Boolean));
