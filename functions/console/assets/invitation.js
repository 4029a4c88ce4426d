// An invitation's token is behind the # of its link, so that no server and no Referer sees it. It moves into the form,
// which is sent at once, and out of the address and its entry in the history.
const field = document.getElementById("f-token");
if (location.hash.startsWith("#lki_")) {
  if (field) {
    field.value = location.hash.slice(1);
    field.closest(".field").hidden = true; // it is there; nobody has to look at it
  }
  history.replaceState(null, "", location.pathname);
  field?.form.requestSubmit();
}
