// Payloads: as people type them and read them, and as the API has them.

/** How payloads are written. */
export const FORMS = [['text', 'Text'], ['json', 'JSON'], ['hex', 'Hex']];

// More of an answer is not shown.
const SHOWN = 64 * 1024;

/** The bytes of what was typed. Throws an error that says what is wrong with it. */
export function read(text, form) {
  if (form === 'hex') return readHex(text);
  if (form === 'json') {
    try {
      JSON.parse(text);
    } catch (error) {
      throw new Error(`The payload is no JSON: ${error.message}`, { cause: error });
    }
  }
  return new TextEncoder().encode(text);
}

function readHex(text) {
  const digits = text.replace(/0x|[\s:,]/gi, '');
  const wrong = /[^0-9a-f]/i.exec(digits);
  if (wrong) throw new Error(`The payload is no hex: ${JSON.stringify(wrong[0])} is no digit from 0 to f.`);
  if (digits.length % 2 === 1) throw new Error('The payload is no hex: it has half a byte, an odd number of digits.');
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** As the API has bytes. */
export function toBase64(bytes) {
  let text = '';
  // A call takes only so many arguments.
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}

export const fromBase64 = (text) => Uint8Array.from(atob(text ?? ''), (it) => it.charCodeAt(0));

/** The form in which these are best read. */
export function bestForm(bytes) {
  const text = decode(bytes);
  if (text === null || /[\u0000-\u0008\u000e-\u001f]/.test(text)) return 'hex';
  return isJson(text) ? 'json' : 'text';
}

/** These in a form, `{text, rest}` with how many bytes are left out; in hex where they are not of that form. */
export function show(bytes, form) {
  const shown = bytes.subarray(0, SHOWN);
  const rest = bytes.length - shown.length;
  const text = form === 'hex' ? null : decode(shown, rest > 0);
  if (text === null) return { text: hex(shown), rest };
  if (form === 'json' && rest === 0 && isJson(text)) return { text: JSON.stringify(JSON.parse(text), null, 2), rest };
  return { text, rest };
}

function decode(bytes, isCut = false) {
  try {
    // What is cut may end within a letter.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: isCut });
  } catch {
    return null;
  }
}

/** Objects and lists: whatever else is JSON is best read as the text that it is. */
function isJson(text) {
  if (!/^\s*[[{]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Lines of 16 bytes, with their place in front and the letters that they are behind. */
function hex(bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const line = [...bytes.subarray(at, at + 16)];
    const digits = line.map((it) => it.toString(16).padStart(2, '0')).join(' ');
    const letters = line.map((it) => (it >= 32 && it < 127 ? String.fromCharCode(it) : '.')).join('');
    lines.push(`${at.toString(16).padStart(4, '0')}  ${digits.padEnd(47)}  ${letters}`);
  }
  return lines.join('\n');
}
