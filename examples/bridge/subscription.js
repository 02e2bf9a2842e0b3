// A subscription over WebSocket that comes back by itself, and goes on where it was.

const PROTOCOL = "frontier.bridge.v1";

// The pause before it connects again, in milliseconds: doubled each time, and never the same for two tabs.
const FIRST_PAUSE = 500;
const LAST_PAUSE = 15_000;

// More than two heartbeats of the bridge without anything: the line is dead, whatever the browser says.
const SILENCE = 40_000;

/** Base64 for URLs, as a subprotocol may have it. */
function encoded(token) {
  const bytes = String.fromCharCode(...new TextEncoder().encode(token));
  return btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/**
 * Calls `tell` with whatever the bridge says, and `state` with "wait", "live" or "bad" and a word about it.
 */
export class Subscription {
  #url;
  #protocols;
  #tell;
  #state;
  #socket;
  #timer;
  #silence;
  #pause = FIRST_PAUSE;
  #epoch = "";
  #after = "";

  constructor(bridge, topic, token, { tell, state }) {
    const url = new URL(`/bridge/v1/topics/${encodeURIComponent(topic)}`, bridge);
    url.protocol = url.protocol.replace("http", "ws");
    this.#url = url;
    this.#protocols = token ? [PROTOCOL, `bearer.${encoded(token)}`] : [PROTOCOL];
    this.#tell = tell;
    this.#state = state;
    this.#connect();
  }

  /** Ends it. */
  close() {
    clearTimeout(this.#timer);
    clearTimeout(this.#silence);
    if (this.#socket) {
      this.#socket.onclose = null;
      this.#socket.close();
    }
  }

  #connect() {
    this.#state("wait", "connecting");
    if (this.#after) this.#url.searchParams.set("after", this.#after);
    let wasOpen = false;
    const socket = new WebSocket(this.#url, this.#protocols);
    this.#socket = socket;
    socket.onopen = () => {
      wasOpen = true;
      this.#pause = FIRST_PAUSE;
    };
    socket.onmessage = ({ data }) => {
      this.#listen();
      this.#hear(JSON.parse(data));
    };
    socket.onclose = ({ reason }) => this.#again(wasOpen, reason);
  }

  #hear(told) {
    if (told.type === "welcome") {
      this.#epoch = told.epoch;
      this.#state("live", told.resumed ? "live, gone on" : "live");
    } else if (told.type === "message") {
      this.#after = `${this.#epoch}-${told.seq}`;
    } else if (told.type === "goodbye") {
      this.#pause = told.retry_ms;
    }
    this.#tell(told);
  }

  #listen() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#socket.close(), SILENCE);
  }

  #again(wasOpen, reason) {
    clearTimeout(this.#silence);
    const pause = this.#pause * (0.75 + Math.random() / 2);
    this.#pause = Math.min(2 * this.#pause, LAST_PAUSE);
    // A browser does not say why a WebSocket was refused; `fetch` of the same URL would.
    const why = reason || (wasOpen ? "the connection was lost" : "no connection, or refused");
    this.#state(wasOpen ? "wait" : "bad", `${why}: again in ${Math.ceil(pause / 1000)} s`);
    this.#timer = setTimeout(() => this.#connect(), pause);
  }
}
