/**
 * What a flame graph carries along: its style, and the script that zooms and searches in it. The script is text, not
 * a function turned into text, because bundlers rewrite functions. It holds no data and builds no markup: it sets
 * attributes, classes and text of what is there.
 */

export const STYLE = `
.flame{background:var(--ground);font:12px system-ui,sans-serif;--ground:#fff;--ink:#1a1a1a;--quiet:#595959}
@media(prefers-color-scheme:dark){.flame{--ground:#16181c;--ink:#eee;--quiet:#a8a8a8}}
.ground{fill:var(--ground)}.flame text{fill:var(--ink)}.flame .told{fill:var(--quiet)}.title{font-size:16px;font-weight:600}
.controls{display:flex;flex-wrap:wrap;gap:4px 8px;align-items:center;padding:6px 10px;color:var(--ink);font:12px system-ui,sans-serif}.controls div{flex:0 0 100%;overflow-wrap:anywhere}.controls .told{color:var(--quiet)}
.controls input{font:inherit;width:190px;padding:3px 6px}.controls button{font:inherit;padding:3px 8px}#shown{flex:1 0 300px;min-width:0;min-height:1.4em;color:var(--quiet);white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
@media(max-width:700px){#shown{flex-basis:100%;min-height:4.2em;white-space:normal;overflow-wrap:anywhere}}
.f{cursor:pointer;outline:none}.f text{fill:#111;pointer-events:none;white-space:pre}.f rect{stroke:var(--ground);stroke-width:.6}
.f:hover rect,.f:focus rect{stroke:var(--ink);stroke-width:1.6}
.a0 rect{fill:#f4a261}.a1 rect{fill:#f7b27d}.a2 rect{fill:#f09150}.d0 rect{fill:#f2d76b}.d1 rect{fill:#f6e08a}.d2 rect{fill:#eacb4d}
.n0 rect{fill:#9ccc8f}.n1 rect{fill:#b1d8a6}.n2 rect{fill:#88bf79}.v0 rect{fill:#c3c7cc}.v1 rect{fill:#d0d4d8}.v2 rect{fill:#b6bbc1}.m rect{fill:#dcdcdc}
.z rect{fill:#dedede}.r1 rect{fill:#f9c9c0}.r2 rect{fill:#f5a699}.r3 rect{fill:#ef8373}.r4 rect{fill:#e8604f}
.b1 rect{fill:#c6dbf5}.b2 rect{fill:#a1c4f0}.b3 rect{fill:#7cacea}.b4 rect{fill:#5894e3}.gone rect{stroke:var(--ink);stroke-dasharray:3 2}
.up rect{opacity:.55}.off{display:none}.searching .f rect{opacity:.3}.searching .hit rect{opacity:1;fill:#d48ce8}
`;

export const VIEWER = `
(function () {
  'use strict';
  var root = document.currentScript ? document.currentScript.closest('svg.flame') : document.querySelector('svg.flame');
  var all = Array.prototype.slice.call(root.querySelectorAll('svg.f'));
  var part = function (id) { return root.querySelector('#' + id); };
  var xs = [], widths = [], rows = [], names = [];
  all.forEach(function (frame) {
    xs.push(parseFloat(frame.getAttribute('x')));
    widths.push(parseFloat(frame.getAttribute('width')));
    rows.push(parseFloat(frame.getAttribute('y')));
    names.push(frame.querySelector('text').textContent.toLowerCase());
    frame.setAttribute('role', 'button');
    frame.setAttribute('tabindex', frame === all[0] ? '0' : '-1');
  });
  root.setAttribute('width', '100%');
  Array.prototype.forEach.call(root.querySelectorAll('text.title, text.told'), function (text) { text.style.display = 'none'; });
  part('controls').style.display = '';
  var zoomed = 0, current = 0;
  var head = part('controls'), least = parseFloat(head.getAttribute('height')), height = parseFloat(root.getAttribute('height'));
  var pushed = 0;

  // What stands above the frames wraps where the screen is narrow, and pushes them down.
  function fit() {
    var more = Math.max(0, head.firstElementChild.offsetHeight - least);
    if (more === pushed) return;
    pushed = more;
    head.setAttribute('height', least + more);
    part('frames').setAttribute('transform', 'translate(0 ' + more + ')');
    root.setAttribute('height', height + more);
  }

  // Frames are in preorder: all below a frame follow it, up to the next one that is no deeper.
  function endOf(at) {
    var end = at + 1;
    while (end < all.length && rows[end] > rows[at]) end++;
    return end;
  }
  function parentOf(at) {
    for (var up = at - 1; up >= 0; up--) if (rows[up] < rows[at]) return up;
    return at;
  }
  function zoom(at) {
    zoomed = at;
    var above = {}, end = endOf(at);
    for (var up = at; up > 0;) { up = parentOf(up); above[up] = true; }
    for (var i = 0; i < all.length; i++) {
      var inside = i >= at && i < end;
      all[i].classList.toggle('up', above[i] === true);
      all[i].classList.toggle('off', !inside && above[i] !== true);
      if (above[i]) { all[i].setAttribute('x', '0%'); all[i].setAttribute('width', '100%'); }
      if (!inside) continue;
      all[i].setAttribute('x', ((xs[i] - xs[at]) / widths[at]) * 100 + '%');
      all[i].setAttribute('width', (widths[i] / widths[at]) * 100 + '%');
    }
    part('reset').disabled = at === 0;
  }
  function search(text) {
    var sought = text.trim().toLowerCase();
    var count = 0, share = 0, coveredTo = 0;
    root.classList.toggle('searching', sought !== '');
    for (var i = 0; i < all.length; i++) {
      var hit = sought !== '' && names[i].indexOf(sought) >= 0;
      all[i].classList.toggle('hit', hit);
      if (!hit) continue;
      count++;
      if (i >= coveredTo) { share += widths[i]; coveredTo = endOf(i); }
    }
    part('found').textContent = sought === '' ? '' : count + (count === 1 ? ' frame, ' : ' frames, ') + share.toFixed(1) + ' %';
    fit();
  }
  function show(at) {
    part('shown').textContent = at < 0 ? '' : all[at].querySelector('title').textContent.replace(/\\n/g, ' \\u00b7 ');
    fit();
  }
  function focus(at) {
    if (all[at].classList.contains('off')) return;
    all[current].setAttribute('tabindex', '-1');
    current = at;
    all[at].setAttribute('tabindex', '0');
    all[at].focus();
  }
  function beside(at, step) {
    for (var i = at + step; i >= 0 && i < all.length && rows[i] >= rows[at]; i += step) {
      if (rows[i] === rows[at] && !all[i].classList.contains('off')) return i;
    }
    return at;
  }
  function frameAt(event) {
    var frame = event.target.closest ? event.target.closest('svg.f') : null;
    return frame === null ? -1 : all.indexOf(frame);
  }
  root.addEventListener('click', function (event) { var at = frameAt(event); if (at >= 0) { focus(at); zoom(at); } });
  root.addEventListener('mouseover', function (event) { show(frameAt(event)); });
  root.addEventListener('focusin', function (event) { show(frameAt(event)); });
  part('reset').addEventListener('click', function () { zoom(0); });
  part('search').addEventListener('input', function (event) { search(event.target.value); });
  root.addEventListener('keydown', function (event) {
    var at = frameAt(event);
    if (event.key === 'Escape') { part('search').value = ''; search(''); zoom(0); return; }
    if (at < 0) return;
    if (event.key === '/') part('search').focus();
    else if (event.key === 'Enter' || event.key === ' ') zoom(at);
    else if (event.key === 'ArrowUp') focus(parentOf(at));
    else if (event.key === 'ArrowDown') focus(at + 1 < endOf(at) ? at + 1 : at);
    else if (event.key === 'ArrowRight') focus(beside(at, 1));
    else if (event.key === 'ArrowLeft') focus(beside(at, -1));
    else return;
    event.preventDefault();
  });
  addEventListener('resize', fit);
  fit();
  if (all.length > 0) zoom(0);
})();
`;
