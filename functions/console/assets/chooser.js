// The field for a key becomes a list that follows what is typed, and choosing a key acts at once. Without this it is a field that takes a name
// or an ID, and a button.
const field = document.getElementById("f-find"), form = document.querySelector("form[data-chooser]");
const say = document.getElementById("say");
if (form) {
  const { find, all, none, count, more, part } = field.parentElement.dataset;
  const { key, was } = form.elements;
  const list = document.createElement("ul");
  let wait, latest = 0, active = -1;

  list.id = "found";
  list.role = "listbox";
  list.hidden = true;
  list.setAttribute("aria-label", field.labels[0].textContent);
  field.parentElement.append(list);
  field.removeAttribute("list");
  for (const [name, value] of [["role", "combobox"], ["aria-expanded", "false"], ["aria-controls", list.id], ["aria-autocomplete", "list"]]) field.setAttribute(name, value);

  function open(yes) {
    if (!yes) latest++; // an answer that is still to come is about what was there before
    list.hidden = !yes;
    field.setAttribute("aria-expanded", String(yes));
    mark(-1);
  }

  function mark(i) {
    active = i;
    field.removeAttribute("aria-activedescendant");
    [...list.querySelectorAll("[role=option]")].forEach((option, n) => {
      option.setAttribute("aria-selected", String(n === i));
      if (n !== i) return;
      field.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    });
  }

  function choose(option) {
    key.value = option.dataset.id;
    field.value = was.value = option.dataset.id ? option.dataset.name : "";
    if (!key.value) was.value = "";
    form.requestSubmit();
  }

  function option(id, name, preview, n) {
    const item = document.createElement("li"), text = document.createElement("bdi");
    Object.assign(item, { id: `found-${n}`, role: "option" });
    Object.assign(item.dataset, { id, name });
    text.textContent = name;
    item.append(text);
    if (preview) item.append(Object.assign(document.createElement("code"), { textContent: preview }));
    item.addEventListener("click", () => choose(item));
    return item;
  }

  // What may be a secret is found when the form is sent. The server looks for the same.
  const secret = /[a-z][a-z0-9]{1,7}_[0-9A-Za-z]{27,}|[A-Z][A-Z0-9]{1,7}_[0-9A-Z]{33}/;

  async function suggest(text) {
    if (secret.test(text)) return open(false);
    const mine = ++latest;
    let keys, others; // others: there may be more than these
    try {
      const answer = await fetch(find, { method: "POST", body: new URLSearchParams({ q: text }), headers: { Accept: "application/json" } });
      keys = answer.ok && (await answer.json());
      others = answer.headers.has("X-More");
    } catch { /* the form finds it too */ }
    if (!keys || mine !== latest || document.activeElement !== field) return;
    const options = keys.map((one, n) => option(one.id, one.name, one.preview, n + 1));
    if (!text && all) options.unshift(option("", all, "", 0));
    const note = keys.length ? others && more : others ? part : none;
    list.replaceChildren(...options);
    if (note) list.append(Object.assign(document.createElement("li"), { className: "empty", role: "presentation", textContent: note }));
    open(true);
    say.textContent = [keys.length && `${count} ${keys.length}${others ? "+" : ""}`, note].filter(Boolean).join(". ");
  }

  field.addEventListener("focus", () => field.select());
  field.addEventListener("click", () => { if (list.hidden) suggest(""); });
  field.addEventListener("input", () => {
    open(false);
    clearTimeout(wait);
    wait = setTimeout(() => suggest(field.value.trim()), 150);
  });
  field.addEventListener("blur", () => open(false));
  list.addEventListener("pointerdown", (event) => event.preventDefault()); // the field keeps the focus
  field.addEventListener("keydown", (event) => {
    const options = list.querySelectorAll("[role=option]");
    const to = { ArrowDown: active + 1, ArrowUp: active < 0 ? options.length - 1 : active - 1 }[event.key];
    if (event.key === "Escape") {
      if (!list.hidden) event.preventDefault();
      clearTimeout(wait);
      open(false);
    } else if (event.key === "Enter" && !list.hidden && active >= 0) {
      event.preventDefault();
      choose(options[active]);
    } else if (to !== undefined) {
      event.preventDefault();
      if (list.hidden) suggest(field.value === was.value ? "" : field.value.trim());
      else mark(Math.max(-1, Math.min(options.length - 1, to)));
    }
  });
}
