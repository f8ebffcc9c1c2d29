// Sorting and filtering; without JavaScript the table stays as it is.
const table = document.querySelector("#students"), body = table.tBodies[0];
const value = (row, column) => row.cells[column].dataset.value;
const order = (a, b) => a !== "" && b !== "" && !isNaN(a) && !isNaN(b)
  ? a - b : a.localeCompare(b, "fr", { numeric: true });
for (const button of table.querySelectorAll("th button")) {
  const head = button.closest("th"), column = head.cellIndex;
  button.disabled = false;
  button.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of table.querySelectorAll("th")) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const rows = [...body.rows], known = rows.filter(row => value(row, column) !== "");
    known.sort((a, b) => (down ? -1 : 1) * order(value(a, column), value(b, column)));
    body.append(...known, ...rows.filter(row => value(row, column) === ""));
  });
}
const plain = text => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
const text = document.querySelector("#filter"), status = document.querySelector("#status");
const shown = document.querySelector("#shown");
function filter() {
  const words = plain(text.value).split(/\s+/);
  for (const row of body.rows) {
    const content = plain(row.textContent);
    const wanted = !status.value || row.dataset.status === status.value;
    row.hidden = !wanted || !words.every(word => content.includes(word));
  }
  const left = [...body.rows].filter(row => !row.hidden).length;
  shown.textContent = `${left} sur ${body.rows.length}`;
}
text.addEventListener("input", filter);
status.addEventListener("change", filter);
document.querySelector(".filters").hidden = false;
filter();
