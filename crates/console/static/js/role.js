// What who is logged in may do, as the plane says; it has the last word in any case.

import { h } from './dom.js';

const ROLES = ['read', 'operate', 'admin'];

let own = 'admin';

/** Notes the role; without one the plane does not tell. */
export const setRole = (role) => { own = ROLES.includes(role) ? role : 'admin'; };

/** A line for beside what takes a role that is not had; nothing where it is. */
export const lacking = (needed, what) => (ROLES.indexOf(own) >= ROLES.indexOf(needed) ? null
  : h('p', { class: 'lacking' }, `${what} takes the role ${needed}; yours is ${own}.`));
