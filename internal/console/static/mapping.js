// The mapping editor. Without this it is a plain form that is checked when it is sent. What this
// adds: it is checked while somebody types, rows come and go without the page being loaded anew,
// and names are completed within an expression.

let form = document.querySelector("form[data-draft]");
let asking;

async function ask(button) {
  asking?.abort();
  asking = new AbortController();
  const body = new URLSearchParams(new FormData(form, button));
  const answer = await fetch(form.action, { method: "POST", body, headers: { "X-Tandem-Live": "1" }, signal: asking.signal });
  if (!answer.ok || answer.redirected) return null;
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

// What was typed stays; what is said of it is exchanged.
async function check() {
  const fresh = await ask();
  for (const part of fresh ? form.querySelectorAll("[data-part][id]") : []) {
    const now = fresh.getElementById(part.id);
    if (!now || now.innerHTML === part.innerHTML) continue;
    const open = [...part.querySelectorAll("details")].map((d) => d.open);
    part.innerHTML = now.innerHTML;
    part.querySelectorAll("details").forEach((d, i) => { d.open = open[i] ?? d.open; });
  }
}

async function change(button) {
  const open = new Set([...form.querySelectorAll("tr[id] details[open]")].map((d) => d.closest("tr").id));
  const fresh = (await ask(button))?.querySelector("form[data-draft]");
  if (!fresh) throw new Error("no answer");
  fresh.querySelector("[autofocus]")?.removeAttribute("autofocus");
  form.innerHTML = fresh.innerHTML;
  if (!button.value.startsWith("drop")) for (const id of open) for (const d of form.querySelectorAll(`#${id} details`)) d.open = true;
  const focus = fresh.dataset.focus && form.querySelector("#" + fresh.dataset.focus);
  for (let d = focus?.closest("details"); d; d = d.parentElement.closest("details")) d.open = true;
  (focus ?? form.querySelector(`button[value="${CSS.escape(button.value)}"]`) ?? form.querySelector("button[value=add]")).focus();
}

let waiting;
form?.addEventListener("input", (e) => {
  if (e.target.hasAttribute("data-expression")) complete(e.target);
  clearTimeout(waiting);
  waiting = setTimeout(() => check().catch(() => {}), 500);
});

let sent = false;
form?.addEventListener("submit", (e) => {
  const button = e.submitter;
  if (sent || !button || button.hasAttribute("formaction")) return;
  e.preventDefault();
  clearTimeout(waiting);
  change(button).catch((wrong) => {
    if (wrong.name === "AbortError") return;
    sent = true;
    form.requestSubmit(button);
  });
});

// A list completes a whole value; within an expression it is the last word that is meant.
const list = document.createElement("datalist");
list.id = "words-now";
document.body.append(list);

function complete(input) {
  const words = document.getElementById(input.dataset.words ??= input.getAttribute("list"));
  const typed = input.value;
  const word = /[\p{L}_$][\p{L}\p{N}_$]*$/u.exec(typed)?.[0] ?? "";
  const before = typed.slice(0, typed.length - word.length);
  input.setAttribute("list", before ? list.id : input.dataset.words);
  if (!before) return;
  list.replaceChildren(...[...words.options].filter((o) => word && o.value.startsWith(word)).slice(0, 20).map((o) => new Option(o.label, before + o.value)));
}
