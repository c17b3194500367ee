"use strict";
// A slide is 1280 x 720. One that is taller is shown smaller, as far as a room can still read it; then its
// pictures shrink, and its long outputs and tables scroll; last of all its code.
var SLIDE_HEIGHT = 720, SMALLEST_PERCENT = 70, LOWEST_BOX = 120;
function isTall(slide) { return slide.scrollHeight > SLIDE_HEIGHT; }
function shrinkText(slide) {
  for (var percent = 95; percent >= SMALLEST_PERCENT && isTall(slide); percent -= 5) {
    slide.style.setProperty("--fit", (percent / 100).toString());
  }
}
function shrinkBoxes(slide, selector) {
  var boxes = slide.querySelectorAll(selector);
  for (var round = 0; round < 24 && isTall(slide); round += 1) {
    var tallest = null;
    boxes.forEach(function (box) {
      if (box.offsetHeight > LOWEST_BOX && (!tallest || box.offsetHeight > tallest.offsetHeight)) { tallest = box; }
    });
    if (!tallest) { return; }
    tallest.style.maxHeight = Math.max(LOWEST_BOX, tallest.offsetHeight - 40) + "px";
  }
}
function fit(slide) {
  if (!slide || slide.dataset.fitted) { return; }
  slide.dataset.fitted = "yes";
  shrinkText(slide);
  shrinkBoxes(slide, ".picture img, .markdown img, pre.output, .table");
  shrinkBoxes(slide, ".input pre");
}
// Linear: the right arrow goes through every slide, the ones stacked below included.
Reveal.on("ready", function (event) { fit(event.currentSlide); });
Reveal.on("slidechanged", function (event) { fit(event.currentSlide); });
Reveal.initialize({
  width: 1280, height: SLIDE_HEIGHT, margin: 0.02, center: false,
  hash: true, slideNumber: "c/t", navigationMode: "linear",
  transition: "none", backgroundTransition: "none", pdfSeparateFragments: false,
  plugins: [RevealNotes]
}).then(function () {
  // A slide that scrolls all the same: let the keyboard reach it.
  document.querySelectorAll(".slides section section").forEach(function (slide) { slide.tabIndex = -1; });
});
