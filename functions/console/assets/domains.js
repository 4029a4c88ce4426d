// Domains, networks and apps are checked while they are typed, as the form's own answer would. Without this that answer tells.
for (const domains of document.querySelectorAll("[data-domains]")) {
  const field = domains.querySelector("textarea, input");
  const list = domains.querySelector(".checks");
  let wait, latest = 0;
  const show = (found) => {
    domains.querySelector(".errors")?.remove(); // the same, as of the last answer
    const shown = found.length > 5 ? found.filter((one) => one.problem || one.warning) : found;
    list.replaceChildren(...shown.map((one) => {
      const item = document.createElement("li");
      const text = document.createElement("bdi");
      text.className = "mono";
      text.textContent = one.canonical ?? one.text;
      const words = document.createElement("span");
      words.className = one.problem ? "no" : one.warning ? "but" : "ok";
      words.textContent = one.problem ? `✕ ${one.problem}` : one.warning ? `⚠ ${one.warning}` : `✓ ${domains.dataset.good}`;
      item.append(text, words);
      for (const suggestion of one.suggestions ?? []) {
        const use = document.createElement("button");
        use.type = "button";
        use.className = "button small";
        use.textContent = `${domains.dataset.use} ${suggestion}`;
        use.addEventListener("click", () => {
          field.value = field.value.split("lines" in domains.dataset ? /(\s*[\n,;،؛]\s*)/ : /([\s,;،؛]+)/).map((part) => (part.trim() === one.text ? suggestion : part)).join("");
          field.focus();
          check();
        });
        item.append(use);
      }
      return item;
    }));
    if (shown.length < found.length) { // of a long list the problems, and how many are fine
      const rest = document.createElement("li");
      rest.className = "ok";
      rest.textContent = `✓ ${domains.dataset.count.replace("{n}", found.length - shown.length)}`;
      list.append(rest);
    }
    field.setAttribute("aria-invalid", String(found.some((one) => one.problem)));
  };
  const check = async () => {
    const mine = ++latest;
    if (!field.value.trim()) return show([]);
    try {
      const answer = await fetch(domains.dataset.domains, { method: "POST", body: new URLSearchParams({ [field.name]: field.value }) });
      if (answer.ok && mine === latest) show(await answer.json());
    } catch { /* the form's own answer will tell */ }
  };
  field.addEventListener("input", () => {
    clearTimeout(wait);
    wait = setTimeout(check, 250);
  });
  if (field.value.trim()) check();
}
