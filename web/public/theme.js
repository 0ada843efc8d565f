// Before anything is painted: the user's theme, so that the page does not flash in the other one.
try {
  const theme = localStorage.getItem("chatterroom.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Without storage the system decides.
}
