// Runs before the page is drawn, so that it is not drawn twice. "" follows the system.
{
  const chosen = localStorage.getItem('console-theme');
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
}
