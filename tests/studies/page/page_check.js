// Runs inside a report's page in a browser and says what is wrong with it. It stands in a frame; the test reads
// the title around it.
(function () {
  "use strict";
  var wrong = [];
  function say(what) { if (wrong.length < 20) wrong.push(what); }
  function name(node) { return node.nodeName + " '" + (node.textContent || "").trim().slice(0, 40) + "'"; }
  function shown(rect) { return rect.width > 0 && rect.height > 0; }

  // Nothing wider than the screen but what scrolls by itself.
  if (document.documentElement.scrollWidth > window.innerWidth + 1)
    say("the page is " + document.documentElement.scrollWidth + " px wide on " + window.innerWidth);

  // What holds a text, and lets it be cut. In a box that scrolls the text may lie anywhere that can be scrolled to.
  function cut(node, rect) {
    for (var box = node.parentElement; box; box = box.parentElement) {
      var frame = box.getBoundingClientRect(), style = getComputedStyle(box);
      if (box.nodeName.toLowerCase() === "svg") {
        if (rect.left < frame.left - 1 || rect.right > frame.right + 1 || rect.top < frame.top - 1 ||
            rect.bottom > frame.bottom + 1) return "outside its figure";
        return "";
      }
      if (style.overflowX === "hidden" || style.overflowX === "clip") {
        if (rect.right > frame.right + 1 || rect.left < frame.left - 1) return "cut by its box";
      }
      if (style.overflowX === "auto" || style.overflowX === "scroll") {
        var left = frame.left - box.scrollLeft;
        if (rect.left < left - 1 || rect.right > left + box.scrollWidth + 1) return "beyond what scrolls";
        return "";
      }
    }
    return rect.left < -1 || rect.right > window.innerWidth + 1 ? "beyond the screen" : "";
  }
  function luminance(colour) {
    var parts = colour.match(/[\d.]+/g).map(Number);
    var rgb = parts.slice(0, 3).map(function (c) {
      c /= 255;
      return c <= 0.04045 ? c / 12.92 : Math.pow((c + 0.055) / 1.055, 2.4);
    });
    return 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2];
  }
  function behind(node) {
    for (; node; node = node.parentElement) {
      var colour = getComputedStyle(node).backgroundColor;
      if (!/rgba\(.*, 0\)$/.test(colour) && colour !== "transparent") return colour;
    }
    return "rgb(255, 255, 255)";
  }
  var walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), node, texts = 0;
  while ((node = walker.nextNode())) {
    if (!node.textContent.trim()) continue;
    var parent = node.parentElement;
    if (/^(script|style|title)$/i.test(parent.nodeName)) continue;
    var range = document.createRange();
    range.selectNodeContents(node);
    var rect = range.getBoundingClientRect();
    if (!shown(rect)) {
      if (PRINTED && !parent.closest("svg") && parent.id !== "hover" && !parent.closest(".links")) say("not printed: " + name(node));
      continue;
    }
    texts += 1;
    var fate = cut(node, rect);
    if (fate) say(fate + ": " + name(node));
    if (parent.closest("svg")) continue;
    // WCAG 2, contrast of text.
    var a = luminance(getComputedStyle(parent).color), b = luminance(behind(parent));
    var contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) say("contrast " + contrast.toFixed(1) + ": " + name(node));
  }
  if (texts < 30) say("only " + texts + " texts");

  // Links lead somewhere on the page, figures of a verdict's row and back.
  document.querySelectorAll("a[href]").forEach(function (a) {
    var href = a.getAttribute("href");
    if (href[0] !== "#" || !document.getElementById(href.slice(1))) say("leads nowhere: " + href);
  });
  if (!document.querySelector("#verdict + .wide td.links a")) say("no figure is linked from the verdict");
  if (!document.querySelector("figcaption a.back")) say("no figure leads back to the verdict");

  if (typeof d3 !== "undefined") {
    // A click on a head sorts, a second one the other way round.
    document.querySelectorAll("table").forEach(function (table) {
      if (table.tBodies[0].rows.length < 2) return;
      var heads = table.tHead.rows[0].cells;
      for (var c = 0; c < heads.length; ++c) {
        for (var turn = 0; turn < 2; ++turn) {
          heads[c].click();
          var values = Array.prototype.map.call(table.tBodies[0].rows, function (row) {
            return parseFloat(row.cells[c].textContent);
          });
          if (values.some(isNaN)) continue;
          for (var i = 1; i < values.length; ++i) {
            // A power of ten is written with a raised exponent, which a plain reading leaves out.
            if (/\u00d710/.test(table.tBodies[0].rows[i].cells[c].textContent)) break;
            if (turn === 0 ? values[i] < values[i - 1] : values[i] > values[i - 1]) say("not sorted: " + name(heads[c]));
          }
        }
      }
    });
    var value = document.querySelector("figure .value");
    if (!value) say("no figure has values under the pointer");
    else {
      value.dispatchEvent(new MouseEvent("mousemove", { bubbles: true, clientX: 50, clientY: 50 }));
      var hover = document.getElementById("hover");
      if (getComputedStyle(hover).display === "none" || !hover.textContent) say("nothing shows under the pointer");
    }
  } else if (D3_EXPECTED) {
    var lengths = Array.prototype.map.call(document.scripts, function (script) { return script.textContent.length; });
    say("the library is in the page and has not run; scripts of " + lengths.join(", ") + " characters");
  }

  var dark = luminance(getComputedStyle(document.body).backgroundColor) < 0.2;
  if (dark !== DARK) say(DARK ? "is not dark" : "is dark");
  performance.getEntriesByType("resource").forEach(function (entry) { say("asks for " + entry.name); });
  (window.violations || []).forEach(say);
  window.parent.document.title = "CHECKED " + JSON.stringify({ width: window.innerWidth, texts: texts, wrong: wrong });
}());
