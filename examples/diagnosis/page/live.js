// A connection that subscribes to nothing: it gets flat messages, gives a sign of life, and comes back by itself.

const HEARTBEAT = 5000;

// The pause before it connects again, in milliseconds: doubled each time, and never the same for two tabs.
const FIRST_PAUSE = 500;
const LAST_PAUSE = 15_000;

/** Calls `show` with each message, `count` with what the gateway has counted, and `state` with "wait" or "live" and a word. */
export function live(url, { show, count, state }) {
  let pause = FIRST_PAUSE;
  const connect = () => {
    state("wait", "connecting");
    const socket = new WebSocket(url);
    let heard = Date.now();
    const beat = () => {
      // Nothing for three of them: the line is dead, whatever the browser says.
      if (Date.now() - heard > 3 * HEARTBEAT) socket.close();
      else socket.send(JSON.stringify({ type: "heartbeat", timestamp: new Date().toISOString() }));
    };
    let timer;
    socket.onopen = () => {
      pause = FIRST_PAUSE;
      state("live", "live");
      beat();
      timer = setInterval(beat, HEARTBEAT);
    };
    socket.onmessage = ({ data }) => {
      heard = Date.now();
      const told = JSON.parse(data);
      if (told.type === "heartbeat_response") count(told.stats);
      else if (told.vehicle_id) show(told);
    };
    socket.onclose = () => {
      clearInterval(timer);
      const wait = pause * (0.75 + Math.random() / 2);
      pause = Math.min(2 * pause, LAST_PAUSE);
      state("wait", `no connection: again in ${Math.ceil(wait / 1000)} s`);
      setTimeout(connect, wait);
    };
  };
  connect();
}
