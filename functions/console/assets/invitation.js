// An invitation's token is behind the # of its link, so that no server and no Referer sees it. It moves into the form,
// which is sent at once, and out of the address and its entry in the history. So does that of a link that is pasted where
// this page is open already: only what is behind the # changes then, and nothing is loaded.
function take() {
  if (!location.hash.startsWith("#lki_")) return;
  const token = location.hash.slice(1), field = document.getElementById("f-token");
  history.replaceState(null, "", location.pathname);
  if (field) {
    field.value = token;
    field.closest(".field").hidden = true; // it is there; nobody has to look at it
    field.form.requestSubmit();
    return;
  }
  // The page shows another invitation, or asks to sign in.
  const form = Object.assign(document.createElement("form"), { method: "post", action: location.pathname, hidden: true });
  form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "token", value: token }));
  document.body.append(form);
  form.submit();
}

take();
addEventListener("hashchange", take);
