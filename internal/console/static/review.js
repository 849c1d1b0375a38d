// The keys of the review queue. Without this the pages are plain forms.

const list = document.querySelector("[data-list]");
const form = document.querySelector("[data-decide]");
const keys = document.getElementById("keys");
const rows = [...(list ?? form ?? document).querySelectorAll("[data-row]")];
let at = Math.max(-1, rows.findIndex((row) => row.hasAttribute("data-here")));

for (const button of document.querySelectorAll("[data-keys]")) {
  button.hidden = false;
  button.addEventListener("click", () => keys.showModal());
}

// What is typed is what is meant.
form?.addEventListener("input", (e) => {
  if (!e.target.hasAttribute("data-entry")) return;
  const edit = e.target.closest("[data-row]")?.querySelector('input[type="radio"][value="edit"]');
  if (edit) edit.checked = true;
});

function go(step) {
  const to = at + step;
  if (rows.length > (list ? 0 : 1) && to >= 0 && to < rows.length) {
    rows[at]?.classList.remove("at");
    at = to;
    rows[at].classList.add("at");
    rows[at].querySelector("[data-open], input:checked, input[type=radio]")?.focus({ preventScroll: true });
    rows[at].scrollIntoView({ block: "nearest" });
    return;
  }
  if (!list || rows.length === 0 || to >= rows.length) document.querySelector(step > 0 ? 'a[rel="next"]' : 'a[rel="prev"]')?.click();
}

function choose(no) {
  const scope = form?.querySelectorAll("fieldset[data-row]").length ? rows[Math.max(0, at)] : form;
  const radio = scope?.querySelector(`input[type="radio"][data-no="${no}"]`);
  if (!radio) return;
  radio.checked = true;
  radio.focus({ preventScroll: true });
  if (radio.value === "edit") radio.closest("[data-row]").querySelector("[data-entry]")?.focus();
}

addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || keys?.open) return;
  const on = e.target;
  const types = on.matches("textarea, select, input:not([type=radio]):not([type=checkbox])");
  if (e.key === "Escape" && types) on.blur();
  if (types) return;
  const act = {
    j: () => go(1),
    k: () => go(-1),
    x: () => { const box = rows[at]?.querySelector("input[type=checkbox]"); if (box) box.checked = !box.checked; },
    u: () => document.querySelector("[data-back]")?.click(),
    "?": () => keys?.showModal(),
    Enter: () => { if (form && !on.matches("a, button, summary")) form.requestSubmit(); else return false; },
  }[e.key] ?? (form && /^[1-9]$/.test(e.key) ? () => choose(e.key) : null);
  if (act && act() !== false) e.preventDefault();
});
