// Two ways to talk: this browser's microphone over a WebSocket, or the assistant's own. Both tell the same:
//   listening(), level(0..1), partial(text, stable bytes), heard(text, isCommand), reply({text, isGood, confirm}), pause(), ended(message or null)
import * as api from "/panel/api.js";
import * as assistant from "/panel/assistant.js";
import * as microphone from "/panel/microphone.js";
import {text} from "/panel/text.js";

const ANSWER_MS = 45000, LEVEL_MS = 150, MAX_WAITING_BYTES = 1 << 20;

// Calls of a source that has ended, or was given up, reach nobody.
class Source {
  constructor(tell) {
    this.tell = tell;
    this.isOver = false;
    this.undo = [];
  }

  end(message = null) {
    if (this.isOver)
      return;
    this.isOver = true;
    this.undo.splice(0).forEach(call => call());
    this.tell.ended(message);
  }

  cancel() {
    if (!this.isOver) {
      this.isOver = true;
      this.undo.splice(0).forEach(call => call());
    }
  }

  patience() {
    const timer = setTimeout(() => this.end(text.errors.offline), ANSWER_MS);
    this.undo.push(() => clearTimeout(timer));
  }
}

export class BrowserSource extends Source {
  async start() {
    this.waiting = [];
    this.isFinished = false;
    this.isHeard = false;
    this.openSocket();
    const close = await microphone.open((samples, level) => this.piece(samples, level)).catch(error => {
      this.cancel();
      throw error;
    });
    if (this.isOver || this.isFinished)
      return close();
    this.closeMicrophone = close;
    this.undo.push(() => this.silence());
    this.tell.listening();
  }

  openSocket() {
    const socket = this.socket = api.liveSocket("commands=true&execute=true&partials=true&endpoint=false");
    socket.onopen = () => {
      this.waiting.splice(0).forEach(piece => socket.send(piece));
    };
    socket.onmessage = ({data}) => typeof data === "string" && this.message(data);
    socket.onclose = () => this.end(this.isHeard ? null : text.talk.lost);
    this.undo.push(() => {
      socket.onclose = socket.onmessage = socket.onopen = null;
      socket.close();
    });
  }

  silence() {
    this.closeMicrophone?.();
    this.closeMicrophone = null;
  }

  send(data) {
    if (this.socket.readyState === WebSocket.OPEN)
      this.socket.send(data);
    else if (this.waiting.length * 1280 < MAX_WAITING_BYTES)
      this.waiting.push(data);
  }

  piece(samples, level) {
    if (this.isOver || this.isFinished)
      return;
    this.tell.level(level);
    this.send(samples);
  }

  finish() {
    if (this.isFinished || this.isOver)
      return;
    this.isFinished = true;
    this.silence();
    this.send(JSON.stringify({type: "stop"}));
    this.patience();
  }

  message(data) {
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return;
    }
    if (this.isOver)
      return;
    switch (message.type) {
    case "speech":
      if (message.state === "end")
        this.tell.pause();
      break;
    case "partial":
      this.tell.partial(message.text || "", message.stable);
      break;
    case "final":
      this.isHeard = true;
      this.tell.heard(message.command || message.text || "", typeof message.intent === "string");
      break;
    case "result":
      this.tell.reply({text: message.response || message.error?.message || "", isGood: message.success === true || message.confirm === true, confirm: message.confirm === true});
      break;
    case "error":
      this.end(message.message || text.talk.failed);
      break;
    case "closed":
      this.end();
      break;
    }
  }
}

export class AssistantSource extends Source {
  async start() {
    this.isListening = await this.listen();
    if (this.isOver)
      return;
    this.tell.listening();
    const timer = setInterval(() => this.readLevel(), LEVEL_MS);
    this.undo.push(() => clearInterval(timer));
    if (this.isListening)
      this.follow();
  }

  // An assistant that does not listen by itself can still record.
  async listen() {
    try {
      await api.post("/listen/start");
      return true;
    } catch (error) {
      if (error.code !== "not_listening")
        throw error;
    }
    await api.post("/audio/start");
    return false;
  }

  async readLevel() {
    if (this.isAsking || document.hidden)
      return;
    this.isAsking = true;
    const status = await api.get("/status").catch(() => null);
    this.isAsking = false;
    if (status && !this.isOver)
      this.tell.level(Math.max(0, Math.min(1, (status.microphone.level + 60) / 50)));
  }

  follow() {
    let hasHeard = false;
    const events = {
      partial: fields => this.tell.partial(fields.text || "", fields.stable),
      heard: fields => {
        hasHeard = true;
        this.tell.heard(fields.text || "", Boolean(fields.intent));
        if (!fields.intent)
          this.end();
      },
      result: fields => {
        this.tell.reply({text: fields.response || fields.error || "", isGood: fields.success === true || fields.confirm === true, confirm: fields.confirm === true});
        this.end();
      },
      state: fields => fields.to === "idle" && !hasHeard && this.end(),
    };
    for (const [name, call] of Object.entries(events))
      this.undo.push(assistant.on(`event:${name}`, fields => (fields.source ?? "microphone") === "microphone" && call(fields)));
    this.patience();
  }

  async finish() {
    if (this.isOver || this.isFinished)
      return;
    this.isFinished = true;
    try {
      if (this.isListening)
        await api.post("/listen/stop");
      else
        await this.execute();
    } catch (error) {
      this.end(error.message);
    }
  }

  async execute() {
    await api.post("/audio/stop");
    const latest = await api.get("/transcription/latest");
    if (this.isOver)
      return;
    if (!latest.text)
      return this.end();
    this.tell.heard(latest.text, true);
    this.tell.reply(await assistant.execute(latest.text));
    this.end();
  }

  cancel() {
    if (!this.isOver && !this.isFinished)
      api.post(this.isListening ? "/listen/stop" : "/audio/stop").catch(() => {});
    super.cancel();
  }
}
