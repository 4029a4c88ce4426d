const say = document.getElementById("say");

// Keys that are selected on the list: all of the page at once, and how many there are.
const choose = document.querySelector("form.choose");
if (choose) {
  for (const copy of choose.querySelectorAll("[data-copy-secret]")) copy.title = copy.getAttribute("aria-labelledby").split(" ").map((id) => document.getElementById(id).textContent).join(" ");
  const boxes = [...choose.querySelectorAll("[name=key]")], count = choose.querySelector(".count");
  const selected = (said) => {
    const n = boxes.filter((box) => box.checked).length;
    count.hidden = false;
    count.lastElementChild.textContent = n;
    if (said) say.textContent = count.textContent;
  };
  choose.addEventListener("change", () => selected(true));
  choose.addEventListener("reset", () => setTimeout(() => { selected(true); boxes[0].focus(); }));
  choose.querySelector("[data-all]").addEventListener("click", (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    for (const box of boxes) box.checked = true;
    selected(true);
  });
  addEventListener("pageshow", () => selected());
}
