// What HTML can't do by itself: copying, the same form in a dialog, and forgetting a secret. Pages work without this.
const say = document.getElementById("say");
const words = document.body.dataset;

// No request says in which time zone a person is, so a cookie does.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && !document.cookie.includes(`latchkey-zone=${zone}`)) document.cookie = `latchkey-zone=${zone}; path=/; max-age=31536000; samesite=lax; secure`;

// Nor which account they used last, which the address "/" leads to.
const account = document.querySelector("#accounts [aria-current]")?.pathname.split("/accounts/")[1]?.split("/")[0];
if (account) document.cookie = `latchkey-account=${account}; path=/; max-age=31536000; samesite=lax; secure`;

// Whatever leads back to the list of keys leads to it as it was seen in this tab.
try {
  const [path, query] = JSON.parse(sessionStorage.getItem("list")) ?? [];
  const here = new URL(location);
  here.searchParams.delete("select"); // what was selected isn't to be again
  if (document.querySelector(".filters[data-find] #status")) sessionStorage.setItem("list", JSON.stringify([here.pathname, here.search]));
  else for (const link of document.querySelectorAll("main a:not([data-dialog])")) if (link.pathname === path && !link.search) link.search = query;
} catch { /* a browser without storage */ }

for (const part of document.querySelectorAll("[data-script]")) part.hidden = false;

function tell(text) {
  say.textContent = "";
  requestAnimationFrame(() => { say.textContent = text; });
}

// What is to be copied, or the element that holds it, and the button that was pressed: it says whether it worked.
async function copy(text, holder, button) {
  let said = words.copied;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    said = words.uncopied;
    if (holder) getSelection().selectAllChildren(holder);
  }
  flagBeside(button, said);
}

// A button says what has become of it, for a while.
function flagBeside(button, said) {
  tell(said);
  button.parentElement.querySelector(":scope > .said")?.remove();
  const flag = document.createElement("span");
  flag.className = "said";
  flag.setAttribute("aria-hidden", "true"); // the live region says it
  flag.textContent = said;
  button.after(flag);
  setTimeout(() => {
    flag.remove();
    if (button.contains(document.activeElement) && button.closest("[popover]")) leaveMenu(button)?.focus();
  }, said === words.copied ? 1500 : 5000);
}

// What isn't there yet is copied with the press that asks for it: browsers refuse that later.
const copiesLater = () => navigator.clipboard?.write && globalThis.ClipboardItem;
const copyLater = (text) => navigator.clipboard.write([new ClipboardItem({ "text/plain": text.then((one) => new Blob([one], { type: "text/plain" })) })]);

// textFrom is the text of an element of a page that answers a form, which nothing else keeps.
async function textFrom(answer, id) {
  const text = (await read(await answer)).getElementById(id)?.textContent;
  if (!text) throw new Error("it isn't there");
  return text;
}

// A secret that can be shown again is copied with one press. It is asked for as its page does, which is recorded. Where that fails, the page
// says why.
async function copySecret(link) {
  if (!busy(link)) return;
  try {
    await copyLater(textFrom(fetch(link.href, { method: "POST", body: new URLSearchParams() }), "secret"));
  } catch {
    location.assign(link.href);
    return;
  }
  idle();
  flagBeside(link, words.copied);
}

// An invitation's link is copied with the press that makes it, and the page that shows it takes the place of this one.
async function sendAndCopy(form, button) {
  let page;
  const made = (async () => {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form, button)), headers: { "Latchkey-Form": "dialog" } });
    const to = answer.headers.get("Location");
    page = await read(to ? await fetch(to) : answer);
    return page.querySelector("[data-once] code").textContent;
  })();
  const copied = await copyLater(made).then(() => true, () => false);
  await made.catch(() => {});
  idle();
  if (!page) {
    sayFailed(form, form.parentElement);
    return;
  }
  if (page.querySelector("[data-signin]")) keepDraft(location.pathname + location.search, { ready: true, said: true });
  const beside = taken(waiting, (one) => one !== form && waits(one));
  document.title = page.title;
  document.getElementById("main").replaceWith(document.adoptNode(page.getElementById("main")));
  fillIn(beside);
  for (const part of document.querySelectorAll("[data-script]")) part.hidden = false;
  const again = document.querySelector("[data-once] [data-copy-of]");
  (again ?? document.querySelector("[role=alert]"))?.focus();
  if (copied) flagBeside(again, words.copied);
}

// The one thing that is under way from here; a second press on it does nothing. No answer takes longer than API Gateway's 29 seconds.
let under = null, longest;
function busy(element) {
  if (under) return false;
  under = element;
  element.classList.add("busy");
  element.setAttribute("aria-busy", "true");
  longest = setTimeout(release, 30_000);
  return true;
}
function idle() {
  clearTimeout(longest);
  under?.classList.remove("busy");
  under?.removeAttribute("aria-busy");
  under = null;
}

// release lets forms be sent again: the page came back, or stays because its request was stopped or has no answer.
function release() {
  idle();
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  for (const hash of document.querySelectorAll("[name=secret_sha256]")) { // the form asks for something else then
    sought(hash.form).required = "required" in hash.dataset;
    hash.remove();
  }
}
globalThis.navigation?.addEventListener("navigateerror", release);

// The menu around a link, to be closed; its button gets the focus back.
function leaveMenu(element) {
  const menu = element.closest("[popover]");
  if (!menu) return element;
  menu.hidePopover();
  return document.querySelector(`[popovertarget="${menu.id}"]`);
}

const read = async (answer) => new DOMParser().parseFromString(await answer.text(), "text/html");

async function openDialog(link) {
  const back = leaveMenu(link);
  if (document.querySelector("dialog[open]") || !busy(back ?? link)) return;
  let form;
  try {
    const answer = await fetch(link.href, { headers: { Accept: "text/html" } });
    const page = await read(answer);
    form = answer.ok && page.querySelector(".confirm");
  } catch { /* the page itself will say what is wrong */ }
  idle();
  if (!form) {
    location.assign(link.href);
    return;
  }
  const dialog = document.createElement("dialog");
  fill(dialog, form);
  dialog.addEventListener("close", () => { dialog.remove(); back?.focus(); });
  // A click beside it closes it: one that begins and ends there, and not once something was typed.
  let beside = false, typed = false;
  const outside = ({ clientX: x, clientY: y }, { left, right, top, bottom } = dialog.getBoundingClientRect()) => x < left || x > right || y < top || y > bottom;
  dialog.addEventListener("input", () => { typed = true; });
  dialog.addEventListener("pointerdown", (event) => { beside = outside(event); });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog && beside && outside(event) && !typed) dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
}

// The focus goes to the field to be filled in, or to the title: never to a button that can't be taken back.
function fill(dialog, form) {
  for (const part of form.querySelectorAll("[data-script]")) part.hidden = false;
  const title = form.querySelector("h1"), text = form.querySelector("h1 ~ p");
  title.id = "dialog-title";
  title.tabIndex = -1;
  dialog.setAttribute("aria-labelledby", title.id);
  if (text) {
    text.id = "dialog-text";
    dialog.setAttribute("aria-describedby", text.id);
  }
  if (form.querySelector(".button.danger")) dialog.setAttribute("role", "alertdialog");
  if (!form.querySelector("[autofocus]")) title.autofocus = true;
  dialog.replaceChildren(document.adoptNode(form));
}

function sayFailed(form, around) {
  const note = around.querySelector(".failed") ?? document.createElement("p");
  note.className = "notice bad failed";
  note.setAttribute("role", "alert");
  note.textContent = words.failed;
  form.before(note);
}

// A form of a dialog is sent without leaving the page, so that what is wrong is said in the dialog. What it leads to is opened.
async function send(form, button) {
  const dialog = form.closest("dialog"), data = new URLSearchParams(new FormData(form, button));
  let page;
  try {
    const answer = await fetch(form.action, { method: "POST", body: data, headers: { "Latchkey-Form": "dialog" } });
    const to = answer.headers.get("Location");
    if (to) {
      location.assign(to);
      return; // busy until the page is there
    }
    page = await read(answer);
  } catch {
    idle();
    sayFailed(form, dialog);
    return;
  }
  idle();
  if (page.querySelector("[data-signin]")) keepDraft(new URL(form.action).pathname, { ready: true, said: true }, "dialog form");
  const again = page.querySelector(".confirm") ?? page.querySelector("#main > section");
  if (!again) {
    location.reload();
    return;
  }
  fill(dialog, again);
  (dialog.querySelector("[aria-invalid=true]") ?? dialog.querySelector("[role=alert]") ?? dialog.querySelector("h1")).focus();
}

// A click with a key held down opens another tab or window, and this page stays.
const plain = (event) => !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button);
let pressed;
addEventListener("click", (event) => { pressed = event; }, true);

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy], [data-copy-of]");
  if (button) {
    const of = button.dataset.copyOf;
    const holder = of && document.getElementById(of);
    copy(holder ? holder.textContent : button.dataset.copy, holder, button);
    return;
  }
  const close = event.target.closest("dialog [data-close]");
  if (close) {
    event.preventDefault();
    close.closest("dialog").close();
    return;
  }
  const kept = event.target.closest("[data-copy-secret]");
  if (kept && plain(event) && copiesLater()) {
    event.preventDefault();
    copySecret(kept);
    return;
  }
  const link = event.target.closest("a[data-dialog]");
  if (link && plain(event)) {
    event.preventDefault();
    openDialog(link);
  }
});

// A secret that may have leaked stops at once, unless a time is chosen after the reason; the note beside it says so.
document.addEventListener("change", (event) => {
  const note = event.target.dataset.leaked && document.getElementById(event.target.dataset.leaked);
  if (!note) return;
  const leaked = event.target.value === "leaked", grace = event.target.form.elements.grace_seconds;
  note.hidden = !leaked;
  if (leaked) grace.value = "0";
  else if (grace.value === "0") grace.value = "86400";
  event.target.form.elements.grace_for.value = event.target.value;
});

// What was typed waits in this tab while its page is asked for again: in another language, or after signing in. Forms for secrets
// don't take part, and who signs in as somebody else finds nothing. It goes back into the very form that it is from: what a form is about
// is in its action and its hidden fields, which are compared and never written. What a form was based on, its version, comes along, so that
// a change that somebody else made meanwhile is a conflict.
const draftName = "draft", draftLife = 15 * 60_000;
const longestBack = 600; // of an address that a sign-in returns to, as in signin.go
const who = () => document.querySelector("#person [data-who]")?.dataset.who ?? "";
const drafted = "main form:not([data-nodraft])";
const basis = (e) => e.type === "hidden" && /^(version|was|\w+_was)$/.test(e.name);
const fields = (form) => [...form.elements].filter((e) => basis(e) || e.name && !["submit", "button", "hidden", "password", "file"].includes(e.type));

// identified lists forms by what they are about, those about the same by their order too. The key of a request is another on each page.
function identified(selector) {
  const seen = {};
  return [...document.querySelectorAll(selector)].map((form) => {
    const hidden = [...form.elements].filter((e) => e.type === "hidden" && e.name !== "idempotency" && !basis(e)).map((e) => [e.name, e.value]);
    const about = JSON.stringify([form.getAttribute("action"), hidden]);
    seen[about] = (seen[about] ?? 0) + 1;
    return [about + seen[about], form];
  });
}

const taken = (selector, which = () => true) => identified(selector).filter(([, form]) => which(form)).map(([id, form]) => [id, fields(form).map((e) => [e.name, e.value, e.checked])]);

function keep(name, what) {
  try {
    sessionStorage.setItem(name, JSON.stringify({ who: who(), at: Date.now(), ...what }));
  } catch { /* a browser without storage, or one that is full */ }
}

let leaving = false; // with a draft, or for good
let signedOut = false; // nothing is kept any more
function keepDraft(path, more, of = drafted) {
  leaving = true;
  keep(draftName, { path, forms: taken(of), ...more });
}

// fillIn puts what was kept back into the forms that are there, and reports whether that changed anything.
function fillIn(kept) {
  const forms = Object.fromEntries(identified(drafted));
  let restored = false;
  for (const [id, values] of kept) {
    const left = forms[id] ? fields(forms[id]) : [];
    for (const [name, value, checked] of values) {
      const i = left.findIndex((e) => e.name === name && (!["radio", "checkbox"].includes(e.type) || e.value === value));
      if (i < 0) continue;
      const [field] = left.splice(i, 1), [member, to] = ["radio", "checkbox"].includes(field.type) ? ["checked", checked] : ["value", value];
      restored ||= field[member] !== to && !basis(field);
      field[member] = to;
      const more = field.closest("details");
      if (more && field.value !== field.defaultValue) more.open = true;
      if (field.localName === "textarea") field.dispatchEvent(new Event("input"));
    }
  }
  return restored;
}

function restoreDraft() {
  let kept;
  try {
    kept = JSON.parse(sessionStorage.getItem(draftName));
    if (kept && document.querySelector("[data-signin]")) { // the form came too late: wait for who signs in
      sessionStorage.setItem(draftName, JSON.stringify({ ...kept, ready: true, follow: kept.path.length > longestBack }));
      return;
    }
    const here = location.pathname + location.search === kept?.path;
    if (here && kept.back && performance.getEntriesByType("navigation")[0].type === "navigate") kept.ready = false; // a link to the form begins it again
    if (!here && kept?.follow && who() === kept.who && Date.now() - kept.at <= draftLife) { // the sign-in couldn't return to it
      sessionStorage.setItem(draftName, JSON.stringify({ ...kept, follow: false }));
      location.replace(kept.path);
      return;
    }
    if (here || !kept?.ready || Date.now() - kept.at > draftLife || who() && who() !== kept.who) sessionStorage.removeItem(draftName);
    if (!here || !kept.ready || Date.now() - kept.at > draftLife || who() !== kept.who) return;
  } catch {
    return;
  }
  const restored = fillIn(kept.forms);
  if (kept.y) scrollTo(0, kept.y);
  if (!kept.said || !restored) return;
  noteAbove("good", words.restored);
}

function noteAbove(kind, text) {
  const note = document.createElement("p");
  note.className = `notice ${kind}`;
  note.setAttribute("role", "status");
  note.textContent = text;
  document.getElementById("main").prepend(note);
}

// The theme changes where one is. Another language needs the page again, which brings what was typed along; a page that can't be had
// again stays.
async function prefer(form, button) {
  let to;
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form, button)), headers: { "Latchkey-Form": "preferences" } });
    to = answer.headers.get("Location");
  } catch { /* the form itself will tell */ }
  idle();
  if (!to) {
    form.dataset.plain = "1";
    form.requestSubmit(button);
    return;
  }
  for (const one of form.querySelectorAll(`[name="${button.name}"]`)) one.setAttribute("aria-pressed", String(one === button));
  if (button.name === "theme") {
    const root = document.documentElement, auto = button.value === "auto";
    if (auto) delete root.dataset.theme;
    else root.dataset.theme = button.value;
    document.querySelector("meta[name=color-scheme]").content = auto ? "light dark" : button.value;
  } else if (button.name === "shortcut") {
    const box = document.querySelector("#main [type=search]");
    if (button.value === "on") box?.setAttribute("aria-keyshortcuts", "/");
    else box?.removeAttribute("aria-keyshortcuts");
  } else if (document.querySelector("[data-secret], [data-once]")) {
    const note = form.querySelector(".later") ?? document.createElement("p");
    note.className = "later small muted";
    note.setAttribute("role", "status");
    form.append(note);
    note.textContent = words.later;
  } else {
    keepDraft(to, { ready: true, y: scrollY });
    location.replace(to);
  }
}

// A secret that is pasted into a field to search by leaves the browser as its hash alone.
const aSecret = /[a-z][a-z0-9]{1,7}_[0-9A-Za-z]{27,}|[A-Z][A-Z0-9]{1,7}_[0-9A-Z]{33}/, whole = /^[a-z][^_]*_.{33}$/;
const secretIn = (text) => [...text.matchAll(RegExp(aSecret, "g"))].map(([one]) => one).sort((a, b) => whole.test(b) - whole.test(a))[0]; // a whole one first
const sought = (form) => form.elements.q ?? form.elements.find;
async function sendHash(form, secret) {
  const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(secret)));
  const field = form.elements.secret_sha256 ?? document.createElement("input");
  field.type = "hidden";
  field.name = "secret_sha256";
  field.value = whole.test(secret) ? [...sum].map((byte) => byte.toString(16).padStart(2, "0")).join("") : "incomplete";
  form.append(field);
  const box = sought(form);
  if (box.required) field.dataset.required = "";
  Object.assign(box, { value: "", required: false });
  setTimeout(() => form.requestSubmit()); // not while the first attempt is still being answered
}

// "/" leads to the search box, of this page or else of the list, where nobody is typing, unless it is turned off in the menu.
document.addEventListener("keydown", (event) => {
  const box = document.querySelector("[aria-keyshortcuts='/']");
  if (event.key !== "/" || !box || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog, [popover]")) return;
  event.preventDefault();
  if (box.href) location = `${box.href}#q`; // to the page that has one
  else {
    box.focus();
    box.select();
  }
});

// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  const form = event.target, post = (event.submitter?.formMethod || form.method) === "post";
  if (event.submitter?.matches("[data-download]")) return; // the page stays
  if (form.getAttribute("action")?.endsWith("/sign-out")) leaving = signedOut = true; // a field may be called action
  const { key, find, was } = form.elements, chosen = key?.value && find?.value === was?.value; // its name may look like a secret
  const secret = !chosen && form.matches("[data-find]") && globalThis.crypto?.subtle && secretIn(sought(form).value);
  if (secret) {
    event.preventDefault();
    sendHash(form, secret);
    return;
  }
  if (form.matches("[data-preferences]:not([data-plain])")) {
    event.preventDefault();
    if (busy(event.submitter)) prefer(form, event.submitter);
    return;
  }
  const tab = event.submitter?.formTarget || form.target, held = pressed && !plain(pressed) && event.submitter?.contains(pressed.target);
  if (tab === "_blank" || held) return; // the page stays
  if (post && form.dataset.sent || !busy(event.submitter ?? form)) {
    event.preventDefault();
    return;
  }
  if (form.matches("dialog [data-inplace]")) {
    event.preventDefault();
    send(form, event.submitter);
  } else if (form.matches("[data-copies]") && copiesLater()) {
    event.preventDefault();
    sendAndCopy(form, event.submitter);
  } else if (post) {
    form.dataset.sent = "1";
    if (form.closest("main") && !form.matches("[data-nodraft]")) keepDraft(location.pathname + location.search, { said: true });
  }
});

// loose is a text as searches compare it: as Loose in shared/text, whose cases it is held to (loose.json).
const alike = { ß: "ss", ς: "σ", "’": "'", "‘": "'", "‛": "'", "ʼ": "'", "′": "'", "`": "'", œ: "oe", æ: "ae", ٱ: "ا", ة: "ه", ى: "ي" };
const marks = /([\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Arabic}\p{Script=Hebrew}])[\p{Mn}\u0640]+|\u0640/gu;
const loose = (text) => text.normalize("NFKC").replace(/\p{DI}/gu, "").toLowerCase().normalize("NFD").replace(marks, "$1").normalize("NFC").replace(/./gu, (one) => alike[one] ?? one) || text;

// A long menu is narrowed by words, in any order; Enter takes the first that is left.
for (const box of document.querySelectorAll("[data-narrows]")) {
  const menu = box.closest("[popover]"), items = [...menu.querySelectorAll("[data-item]")], none = menu.querySelector("[data-none]");
  const narrow = () => {
    const typed = loose(box.value).split(/\s+/);
    for (const item of items) item.hidden = !typed.every((word) => loose(item.textContent).includes(word));
    none.hidden = items.some((item) => !item.hidden);
    if (!none.hidden) tell(none.textContent);
  };
  box.addEventListener("input", narrow);
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter") items.find((item) => !item.hidden)?.querySelector("a").click();
  });
  menu.addEventListener("beforetoggle", () => { box.value = ""; narrow(); });
}

// What is done part by part goes on by itself.
document.querySelector("form[data-continue]")?.requestSubmit();

// A change that runs is looked at until it has ended; then the whole page is read again.
const followed = document.querySelector("[data-follow]");
if (followed) {
  setInterval(async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(followed.dataset.follow, { headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (answer.ok && !page.querySelector("[data-follow]")) location.replace(followed.dataset.follow);
    } catch { /* at the next time */ }
  }, 4000);
}

addEventListener("pageshow", (event) => { if (event.persisted) release(); });

restoreDraft();

// A refused form is the answer to its being sent. The way back to it, and a reload, ask for the page that it was on instead of sending it again,
// and what was typed goes into that.
const refused = document.querySelector("[data-refused]");
if (refused) {
  history.replaceState(null, "", refused.dataset.refused);
  if (document.querySelector(drafted)) addEventListener("pagehide", () => { if (!leaving) keepDraft(location.pathname + location.search, { ready: true, back: true }); });
}

// Forms that wait beside each other, as the cards of a queue, keep what was typed while another one is sent or opened: it is back with their
// page, for the same person and as long as a draft. What is sent itself doesn't wait: its answer has it. In a queue it does, since a refused
// card is answered by another page.
const waiting = "main form[data-waits]", waitingName = "waiting", here = location.pathname + location.search;
const chosen = (select) => Math.max(0, [...select.options].findLastIndex((option) => option.defaultSelected));
const typed = (e) => e.type !== "hidden" && (e.options ? e.selectedIndex !== chosen(e) : e.value !== e.defaultValue || e.checked !== e.defaultChecked);
const waits = (form) => fields(form).some(typed) && (form.dataset.waits || !form.dataset.sent);
let places = {};
try {
  const kept = JSON.parse(sessionStorage.getItem(waitingName));
  if (who() && kept?.who !== who()) sessionStorage.removeItem(waitingName);
  else places = Object.fromEntries(Object.entries(kept?.places ?? {}).filter(([, place]) => Date.now() - place.at < draftLife));
} catch { /* a browser without storage */ }
if (document.querySelector(waiting)) {
  fillIn(places[here]?.forms ?? []);
  addEventListener("pagehide", () => { if (!signedOut) keep(waitingName, { places: { ...places, [here]: { at: Date.now(), forms: taken(waiting, waits) } } }); });
}

// A page with a secret answers a form: reloading it must not send that again.
// What a reload shows says that it is gone.
const home = document.querySelector("[data-home]"), goneName = "gone";
try {
  const said = sessionStorage.getItem(goneName);
  sessionStorage.removeItem(goneName);
  if (home) sessionStorage.setItem(goneName, document.getElementById("gone").textContent);
  else if (said && performance.getEntriesByType("navigation")[0]?.type === "reload") noteAbove("", said);
} catch { /* a browser without storage */ }
if (home) history.replaceState(null, "", home.dataset.home);

// Browsers may keep a whole page for the way back. The secret must not be in it.
addEventListener("pagehide", () => {
  const secrets = document.querySelectorAll("[data-secret]");
  if (!secrets.length) return;
  for (const part of secrets) part.remove();
  document.getElementById("gone").hidden = false;
});
