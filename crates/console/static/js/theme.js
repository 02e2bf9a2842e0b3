// Light, dark, or as the system has it.

import { h, icon } from './dom.js';

const KEY = 'frontier-theme';
const CHOICES = [['auto', 'as the system has it'], ['light', 'light'], ['dark', 'dark']];

let choice = localStorage.getItem(KEY) ?? 'auto';
const listeners = new Set();

function apply() {
  if (choice === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = choice;
  listeners.forEach((listener) => listener());
}

/** Calls this when the colours change. Gives back how to stop that. */
export function onColours(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The button that goes on to the next choice. */
export function themeButton() {
  const button = h('button', { class: 'quiet square', type: 'button' });
  const show = () => {
    const [, words] = CHOICES.find(([name]) => name === choice) ?? CHOICES[0];
    button.replaceChildren(icon(choice));
    button.setAttribute('aria-label', `Colours: ${words}`);
    button.title = `Colours: ${words}`;
  };
  button.addEventListener('click', () => {
    const at = CHOICES.findIndex(([name]) => name === choice);
    [choice] = CHOICES[(at + 1) % CHOICES.length];
    localStorage.setItem(KEY, choice);
    apply();
    show();
  });
  show();
  return button;
}

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', apply);
if (!CHOICES.some(([name]) => name === choice)) choice = 'auto';
apply();
