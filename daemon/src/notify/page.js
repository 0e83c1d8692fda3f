// Follows the sign-in, counts down, and copies the code. The server writes every state of the page: what changes here is
// text, and a new state is a reload. Without this script the page reloads itself.
'use strict';

(() => {
  const words = document.body.dataset;
  const progress = document.getElementById('progress');
  const clock = document.getElementById('clock');
  const code = document.getElementById('code');
  const copy = document.getElementById('copy');

  const show = (element, text) => {
    // The same text again would be read aloud again.
    if (element && element.textContent !== text) element.textContent = text;
  };

  // Seconds from now on, by a clock that nobody sets.
  let end = performance.now() + Number(words.left) * 1000;
  const tick = () => {
    const left = Math.max(0, Math.round((end - performance.now()) / 1000));
    show(clock, `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`);
  };
  if (clock) setInterval(tick, 1000);

  if (copy) {
    copy.hidden = false;
    copy.addEventListener('click', async () => {
      try {
        await navigator.clipboard.writeText(code.textContent);
        show(copy, words.copied);
        setTimeout(() => show(copy, words.copy), 4000);
      } catch {
        getSelection().selectAllChildren(code);
        show(progress, words.notCopied);
      }
    });
  }

  // Whoever cannot see that the page is another one hears its heading.
  if (performance.getEntriesByType('navigation')[0]?.type === 'reload') document.getElementById('title').focus();

  // A page from the browser's memory is of yesterday.
  addEventListener('pageshow', (event) => {
    if (event.persisted) location.reload();
  });

  if (words.serial !== undefined) {
    const news = new EventSource(`${location.pathname}/events`);
    news.addEventListener('message', ({ data }) => {
      const { serial, said, left } = JSON.parse(data);
      if (serial !== Number(words.serial)) {
        news.close();
        location.reload();
        return;
      }
      show(progress, said);
      if (left !== undefined) end = performance.now() + left * 1000;
    });
    news.addEventListener('error', () => show(progress, words.lost));
    // So that a browser that leaves does not hold a connection for a page that nobody sees.
    addEventListener('pagehide', () => news.close());
  }
})();
