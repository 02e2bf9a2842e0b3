// Requests to the plane that this page came from. The token is kept for this tab alone, and goes nowhere but into the
// header of these requests: a page of another origin can't have the browser send it.

const TOKEN = 'frontier-token';

let onRefused = () => {};

/** An answer that is an error, as docs/control-plane.md has them. */
export class Refusal extends Error {
  constructor(status, body, retryAfter) {
    super(body?.message ?? `the answer was ${status}`);
    this.status = status;
    this.code = body?.code ?? '';
    /** What a peer has answered, where one was asked. */
    this.peer = body?.peer;
    this.retryAfter = Number(retryAfter ?? 0);
  }
}

export const token = {
  get: () => sessionStorage.getItem(TOKEN) ?? '',
  set: (value) => sessionStorage.setItem(TOKEN, value),
  forget: () => sessionStorage.removeItem(TOKEN),
};

/** Calls this when the credentials are not, or no longer, good. */
export const whenRefused = (listener) => { onRefused = listener; };

/** The response, once its head is there and good. */
export async function send(method, path, { body, headers, signal, quiet } = {}) {
  const head = new Headers(headers);
  if (token.get()) head.set('authorization', `Bearer ${token.get()}`);
  if (body !== undefined) head.set('content-type', 'application/json');
  const text = body === undefined ? undefined : JSON.stringify(body);
  const options = { method, headers: head, body: text, signal, cache: 'no-store', credentials: 'omit', redirect: 'error' };
  const response = await fetch(path, options);
  if (response.ok) return response;
  const refusal = new Refusal(response.status, await response.json().catch(() => null), response.headers.get('retry-after'));
  if (refusal.status === 401 && !quiet) onRefused(refusal);
  throw refusal;
}

/** The JSON of an answer. */
export const ask = async (method, path, options) => (await send(method, path, options)).json();

export const get = (path, options) => ask('GET', path, options);

/** `/path?a=1`, without what is empty. */
export function url(path, parameters) {
  const filled = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null && value !== '');
  const query = new URLSearchParams(filled).toString();
  return query ? `${path}?${query}` : path;
}
