"use strict";
// Each block of code gets a button that copies it; without this script the page only lacks the buttons.
document.querySelectorAll(".input").forEach(function (block) {
  var button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  function say(word) {
    button.textContent = word;
    setTimeout(function () { button.textContent = "Copy"; }, 1500);
  }
  // A page opened from a disk may have no clipboard of its own: the old command still works there.
  function select() {
    getSelection().selectAllChildren(block.querySelector("pre"));
    say(document.execCommand("copy") ? "Copied" : "Press Ctrl+C");
  }
  button.addEventListener("click", function () {
    if (!navigator.clipboard) { select(); return; }
    navigator.clipboard.writeText(block.querySelector("pre").textContent).then(function () { say("Copied"); }, select);
  });
  button.setAttribute("aria-live", "polite");
  block.appendChild(button);
});
