// Rules, quotas and limits of a gateway, as they are in force.

import { h } from '../dom.js';
import { count } from '../format.js';

/** The tables of a policy, as the API gives it. */
export function policy({ default: otherwise, rules, quotas, limits }) {
  const few = new Intl.NumberFormat('en', { maximumFractionDigits: 3 });
  const ofQuotas = (quotas ?? []).flatMap((quota) => quota.limits.map((limit) =>
    [quota.scope, conditions(quota.who) || 'everybody', limit.counts, few.format(limit.per_second), count(limit.burst)]));
  const ofRules = (rules ?? []).map((it) => [it.name, conditions(it.who) || 'everybody', conditions(it.allow), conditions(it.deny)]);
  return [
    h('p', {}, 'Where no rule says anything: ', h('span', { class: 'badge' }, otherwise)),
    table('Rules', ['Rule', 'Who', 'Allows', 'Denies'], ofRules, 'No rules.'),
    table('Quotas', ['For each', 'Who', 'Counts', 'A second', 'At once'], ofQuotas, 'No quotas.'),
    table('Limits', ['Limit', 'Value'], Object.entries(limits ?? {}), 'No limits are told.'),
  ];
}

/** As rules are written: `edge: 1-99; labels.region: eu, us`. */
const conditions = (all) => (all ?? []).map(({ key, values }) => `${key}: ${values.join(', ')}`).join('; ');

function table(name, heads, rows, none) {
  if (rows.length === 0) return h('p', { class: 'hint' }, none);
  return h('div', { class: 'wide', tabindex: 0, role: 'group', 'aria-label': name }, h('table', {},
    h('thead', {}, h('tr', {}, heads.map((it) => h('th', { scope: 'col' }, it)))),
    h('tbody', {}, rows.map(([first, ...rest]) => h('tr', {}, h('th', { scope: 'row' }, first), rest.map((it) => h('td', {}, it || '–')))))));
}
