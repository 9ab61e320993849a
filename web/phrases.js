// What can be said, as the assistant tells it: [{title, text, hasChoice, isAnswer}], an answer being what makes sense behind something else only.
import * as api from "/panel/api.js";
import * as assistant from "/panel/assistant.js";

const ANSWERS = new Set(["confirm", "cancel", "stop", "repeat"]);
let list = null;

async function read() {
  const {commands = []} = await assistant.has("GET /commands") ? await api.get("/commands") : {};
  return commands.filter(command => command.example).map(({name, example, action}) =>
    ({isAnswer: ANSWERS.has(action) || name.startsWith("cancel"), title: name.replace(/[_.]/g, " "), text: example, hasChoice: /\d/.test(example)}));
}

export function phrases(isAnew) {
  if (list === null || isAnew) {
    list = read();
    list.catch(() => { list = null; });
  }
  return list;
}
