// Pages work without this; what it adds is that they stay true. The server tells by /live that
// something has changed, the page is asked for again, and each element with data-live and an id
// takes over what the answer has for it. Nobody's typing, choice or focus is disturbed, and a page
// that nobody sees does not listen: a browser has few connections to one host.

const busy = (part) => part.contains(document.activeElement) && document.activeElement !== document.body ||
  part.querySelector("input:checked, details[open]");

async function refresh() {
  const answer = await fetch(location.href, { headers: { "X-Tandem-Live": "1" } });
  if (!answer.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live][id]")) {
    const now = fresh.getElementById(part.id);
    if (now && !busy(part) && now.innerHTML !== part.innerHTML) part.innerHTML = now.innerHTML;
  }
}

function listen() {
  let waiting = 0;
  const soon = () => {
    if (waiting) return;
    waiting = setTimeout(() => { waiting = 0; refresh().catch(() => {}); }, 400);
  };
  let source;
  const see = () => {
    source?.close();
    source = undefined;
    if (document.hidden) return;
    source = new EventSource("/live");
    source.addEventListener("change", soon);
  };
  addEventListener("pagehide", () => source?.close());
  document.addEventListener("visibilitychange", () => { see(); if (!document.hidden) soon(); });
  see();
}

if (document.querySelector("[data-live][id]")) listen();

// Escape closes what was opened over the page: the menu of a phone, and goes back to what opened it.
addEventListener("keydown", (e) => {
  const menu = document.querySelector(".places details[open]");
  const opener = menu?.querySelector("summary");
  if (e.key !== "Escape" || !opener?.checkVisibility() || !menu.contains(e.target)) return;
  menu.open = false;
  opener.focus();
});

// A form with data-ask asks before it is sent.
addEventListener("submit", (e) => {
  const text = e.target.dataset?.ask;
  if (text && !confirm(text)) e.preventDefault();
});
