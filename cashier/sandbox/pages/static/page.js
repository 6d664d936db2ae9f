// Comforts only: every form works without this file.
"use strict";
for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", () => {
    const button = form.querySelector("button");
    button.disabled = true;
    button.textContent = form.dataset.once;
  });
}
for (const form of document.querySelectorAll("form[data-go-on-ms]")) {
  setTimeout(() => form.submit(), Number(form.dataset.goOnMs));
}
