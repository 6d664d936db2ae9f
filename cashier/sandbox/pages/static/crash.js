// Ends the renderer process within bounds: elements nested far deeper than any parser would nest them, so that
// laying them out runs the renderer's native stack over. Costs a few MB; the loop ends by itself.
"use strict";
setTimeout(() => {
  const top = document.createElement("div");
  for (let n = 0, inner = top; n < 12000; n++) inner = inner.appendChild(document.createElement("div"));
  document.body.append(top);
  top.getBoundingClientRect(); // lays it out now
  document.getElementById("crash-state").textContent = "The renderer survived.";
}, 50);
