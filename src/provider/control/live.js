// Puts new exchanges at the top of the list. What comes is HTML that the provider has escaped.
"use strict";
const list = document.getElementById("exchanges");
const state = document.getElementById("state");
const most = Number(list.dataset.most);
const source = new EventSource("live");
source.addEventListener("open", () => { state.textContent = "New ones come in by themselves."; });
source.addEventListener("error", () => { state.textContent = "The provider is not there; trying again."; });
source.addEventListener("exchange", (event) => {
  document.getElementById("none").hidden = true;
  const known = list.querySelector(`[data-seq="${Number(event.lastEventId)}"]`);
  if (known) known.remove();
  list.insertAdjacentHTML("afterbegin", event.data);
  while (list.children.length > most) list.lastElementChild.remove();
});
