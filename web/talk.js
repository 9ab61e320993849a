// The first screen: the button, what was heard, what the assistant says to it.
import * as assistant from "/panel/assistant.js";
import * as microphone from "/panel/microphone.js";
import * as saved from "/panel/saved.js";
import {button, h, icon, notify, setIcon, setText} from "/panel/dom.js";
import {phrases} from "/panel/phrases.js";
import {Meter} from "/panel/meter.js";
import {AssistantSource, BrowserSource} from "/panel/sources.js";
import {text} from "/panel/text.js";

// A press shorter than this is a tap: the button stays down until another tap or a pause.
const TAP_MS = 350, PAUSE_MS = 700, TIPS = 3;

export function talkScreen() {
  const heard = h("div", {class: "heard", role: "log", "aria-label": text.talk.heardLabel});
  const reply = h("div", {class: "reply", role: "status", "aria-label": text.talk.replyLabel});
  const more = h("div", {class: "actions"}), hint = h("p", {class: "hint"}, text.talk.hint);
  const said = h("div", {class: "said"}, heard, reply, hint, more);
  const label = h("span", {}, text.talk.button);
  const talk = h("button", {type: "button", class: "talk-button", "aria-pressed": "false", "aria-describedby": "talk-help"}, icon("mic"), label);
  const rings = [h("span", {class: "ring outer"}), h("span", {class: "ring"})], canvas = h("canvas", {class: "meter", "aria-hidden": "true"});
  const stage = h("div", {class: "stage-box"}, h("div", {class: "stage"}, rings, talk), canvas, h("span", {class: "unseen", id: "talk-help"}, text.talk.hold));
  const input = h("input", {class: "field", type: "text", "aria-label": text.talk.type, placeholder: text.talk.type, autocomplete: "off", autocapitalize: "off", enterkeyhint: "send", maxlength: 500});
  const typed = h("form", {class: "typed"}, input, h("button", {type: "submit", class: "button main", "aria-label": text.talk.send}, icon("send")));
  const talking = h("div", {class: "talk"}, said, stage, typed);
  const closed = h("div", {class: "private-screen", hidden: true}, icon("mic-off"), h("h1", {}, text.privacy.on), h("p", {}, text.privacy.nobody),
    button(text.privacy.turnOff, {kind: "main", onclick: () => assistant.switchPrivacy(false).catch(error => notify(text.privacy.failed(error.message)))}));
  const element = h("section", {class: "screen fixed", "aria-label": text.talk.title}, h("h1", {class: "unseen", tabindex: -1}, text.talk.title), talking, closed);
  const meter = new Meter(canvas, rings);

  let source = null, pressedAt = 0, isHeld = false, isLatched = false, pauseTimer = 0, lastHeard = "", hasReply = false, isListening = false;

  function show({state}) {
    talk.setAttribute("aria-pressed", String(state === "listening"));
    setText(label, state === "listening" ? (isLatched ? text.talk.tapAgain : text.talk.stop) : state === "thinking" ? text.talk.thinking : text.talk.button);
    setIcon(talk, state === "listening" && isLatched ? "stop" : "mic");
  }

  function clear() {
    more.replaceChildren();
    hint.hidden = true;
    heard.className = "heard live";
    reply.className = "reply";
    setText(heard, "");
    setText(reply, "");
    lastHeard = "";
    hasReply = false;
  }

  function writeHeard(value, stableBytes) {
    const bytes = new TextEncoder().encode(value), n = stableBytes === undefined ? bytes.length : Math.min(stableBytes, bytes.length);
    const stable = new TextDecoder().decode(bytes.subarray(0, n)), rest = value.slice(stable.length);
    heard.replaceChildren(stable, ...(rest ? [h("span", {class: "unsure"}, rest)] : []));
  }

  function writeReply({text: answer, isGood, confirm}, sentence) {
    hasReply = true;
    heard.className = "heard";
    reply.className = isGood ? "reply" : "reply bad";
    setText(reply, answer === null ? text.talk.noCommand : answer || (isGood ? text.talk.done : text.talk.failed));
    more.replaceChildren(...(confirm ? [
      button(text.talk.yes, {kind: "main", icon: "check", onclick: () => run(sentence, true)}),
      button(text.talk.no, {onclick: () => { clear(); setText(reply, text.talk.cancelled); }})] : []));
  }

  async function run(sentence, isConfirmed) {
    clear();
    writeHeard(sentence);
    writeReply(await assistant.execute(sentence, isConfirmed), sentence);
  }

  // ---- talking ----

  function events() {
    return {
      listening() {
        isListening = true;
        if (!lastHeard)
          setText(heard, text.talk.listening);
      },
      level: level => meter.set(level),
      partial(value, stable) {
        clearTimeout(pauseTimer);
        lastHeard = value;
        writeHeard(value, stable);
      },
      heard(value, isCommand) {
        lastHeard = value;
        writeHeard(value);
        if (value && !isCommand)
          writeReply({text: null, isGood: false}, value);
      },
      reply: answer => writeReply(answer, lastHeard),
      pause() {
        clearTimeout(pauseTimer);
        if (isLatched)
          pauseTimer = setTimeout(finish, PAUSE_MS);
      },
      ended(message) {
        const isSilent = !lastHeard && !hasReply;
        rest();
        if (message !== null)
          writeReply({text: message, isGood: false}, "");
        else if (isSilent) {
          clear();
          setText(reply, text.talk.nothingHeard);
        }
      },
    };
  }

  function rest() {
    source = null;
    isLatched = isHeld = isListening = false;
    clearTimeout(pauseTimer);
    meter.stop();
    show({state: "idle"});
  }

  async function start() {
    clear();
    meter.start();
    isLatched = false;
    show({state: "listening"});
    const wanted = saved.get("microphone"), isOwn = wanted === "device" || wanted === "auto" && microphone.isAvailable();
    try {
      source = isOwn ? new BrowserSource(events()) : new AssistantSource(events());
      await source.start();
    } catch (error) {
      if (source === null)
        return;
      const isRefused = isOwn && error instanceof DOMException;
      if (!isRefused || wanted === "device") {
        rest();
        return void writeReply({text: isRefused ? text.talk.denied : error.code === "no_device" ? text.talk.noListening : error.message, isGood: false}, "");
      }
      notify(error.name === "NotAllowedError" ? text.talk.denied : text.talk.noMicrophone);
      source = new AssistantSource(events());
      await source.start().catch(failed => {
        rest();
        writeReply({text: failed.code === "no_device" ? text.talk.noListening : failed.message, isGood: false}, "");
      });
    }
  }

  function finish() {
    if (source === null)
      return;
    isLatched = isHeld = false;
    clearTimeout(pauseTimer);
    meter.stop();
    show({state: "thinking"});
    if (!isListening)
      return cancel();
    if (!lastHeard)
      setText(heard, `${text.talk.thinking}…`);
    source.finish();
  }

  function cancel() {
    if (source === null)
      return;
    source.cancel();
    rest();
    clear();
    setText(reply, text.talk.cancelled);
  }

  function press() {
    if (isLatched || source !== null)
      return void finish();
    pressedAt = performance.now();
    isHeld = true;
    start();
  }

  function release() {
    if (!isHeld)
      return;
    isHeld = false;
    if (source !== null && performance.now() - pressedAt < TAP_MS) {
      isLatched = true;
      show({state: "listening"});
    } else {
      finish();
    }
  }

  talk.addEventListener("pointerdown", event => {
    if (event.button !== 0)
      return;
    talk.setPointerCapture(event.pointerId);
    press();
  });
  talk.addEventListener("pointerup", release);
  talk.addEventListener("pointercancel", cancel);
  talk.addEventListener("contextmenu", event => event.preventDefault());
  talk.addEventListener("keydown", event => {
    if (event.key !== " " && event.key !== "Enter")
      return;
    event.preventDefault();
    if (!event.repeat)
      press();
  });
  talk.addEventListener("keyup", event => (event.key === " " || event.key === "Enter") && release());
  // A screen reader's click has no pointer before it.
  talk.addEventListener("click", event => {
    if (event.detail !== 0 || event.pointerType)
      return;
    press();
    release();
  });
  addEventListener("keydown", event => event.key === "Escape" && cancel());
  typed.addEventListener("submit", event => {
    event.preventDefault();
    const sentence = input.value.trim();
    if (sentence === "")
      return;
    input.value = "";
    source?.cancel();
    rest();
    run(sentence);
  });

  function showPrivacy(isPrivate) {
    if (isPrivate)
      source?.cancel();
    rest();
    stage.hidden = isPrivate;
    said.hidden = isPrivate;
    closed.hidden = !isPrivate;
    talking.classList.toggle("closed", isPrivate);
    if (isPrivate)
      talking.prepend(closed);
  }
  assistant.on("private", showPrivacy);
  showPrivacy(assistant.now.isPrivate);
  phrases().then(list => {
    if (hint.hidden)
      return;
    const ready = list.filter(phrase => !phrase.hasChoice && !phrase.isAnswer), step = Math.max(1, Math.floor(ready.length / TIPS));
    more.replaceChildren(...ready.filter((_, i) => i % step === 0).slice(0, TIPS).map(phrase =>
      h("button", {type: "button", class: "chip", onclick: () => run(phrase.text)}, phrase.text)));
  }).catch(() => {});

  return {
    element,
    focus: () => talk,
    hide: () => source !== null && cancel(),
    run,
    fill(sentence) {
      input.value = sentence;
      input.focus();
    },
  };
}
