// Marks are kept in the browser until the file that this page offers is saved beside the others.
// A mark typed here counts as long as neither the answer nor the mark in the file has changed.
const cards = [...document.querySelectorAll(".card")], all = s => [...document.querySelectorAll(s)];
const cell = document.body.querySelector("main").dataset.cell;
const key = `tp-cnn marks ${location.pathname}`, status = document.querySelector("#progress");
let saved = {};
try { saved = JSON.parse(localStorage.getItem(key)) || {}; } catch { }
const parts = card => ({ points: card.querySelector(".mark"),
  comment: card.querySelector("textarea"), id: "=" + card.dataset.id });
const base = ({ points, comment }) => points.defaultValue + "|" + comment.defaultValue;
for (const card of cards) {
  const { points, comment, id } = parts(card), kept = saved[id];
  if (kept && kept.answer === card.dataset.answer
      && kept.base === base({ points, comment })) {
    points.value = kept.points;
    comment.value = kept.comment;
  } else if (kept && (kept.points !== points.value || kept.comment !== comment.value)) {
    card.querySelector("output").textContent = "Ce navigateur gardait, pour une version "
      + `antérieure : « ${kept.points || "sans note"} » ${kept.comment}`;
  }
  card.addEventListener("input", () => {
    saved[id] = { points: points.value, comment: comment.value,
      answer: card.dataset.answer, base: base({ points, comment }) };
    try { localStorage.setItem(key, JSON.stringify(saved)); }
    catch { status.dataset.lost = "Ce navigateur ne garde rien : téléchargez avant de fermer. "; }
    report();
  });
}
function report() {
  const done = cards.filter(card => parts(card).points.value !== "").length;
  status.textContent = (status.dataset.lost || "") + `${done} sur ${cards.length} notées`;
}
const marks = all(".mark");
marks.forEach((mark, rank) => mark.addEventListener("keydown", event => {
  const next = marks[rank + 1];
  if (event.key === "Enter") event.target.closest(".card").querySelector("textarea").focus();
  else if (event.key === "Tab" && !event.shiftKey && next) { next.focus(); next.select(); }
  else return;
  event.preventDefault();
}));
const quoted = text => '"' + text.replace(/^[=+@-]/, "'$&").replace(/"/g, '""') + '"';
document.querySelector("#download").addEventListener("click", () => {
  const wrong = marks.find(({ validity }) =>  // any fraction of a point will do
    validity.badInput || validity.rangeOverflow || validity.rangeUnderflow);
  if (wrong) { wrong.reportValidity(); return; }
  const rows = cards.filter(card => parts(card).points.value || parts(card).comment.value.trim());
  const lines = rows.map(card => [cell, card.dataset.id, card.dataset.student,
    parts(card).points.value, parts(card).comment.value.trim(), card.dataset.answer]);
  const text = ["cell,id,student,points,comment,answer",
    ...lines.map(line => line.map(quoted).join(","))].join("\r\n") + "\r\n";
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = `manual_marks_${cell}.csv`;
  link.click();
});
const hide = document.querySelector("#blind");
hide.addEventListener("change", () => document.body.classList.toggle("blind", hide.checked));
document.body.classList.toggle("blind", hide.checked);
all("[data-script]").forEach(element => element.hidden = false);
report();
