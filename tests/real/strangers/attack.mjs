// What a page can try on an address, in each way that a browser has. It is run in the page, or in a worker, so it stands by itself.
// Each way comes to `nothing`, or to what the page got to know.

export async function attack({ url, secret, form }) {
  const limit = 10_000;
  const within = (work) => Promise.race([work, new Promise((resolve) => { setTimeout(() => resolve('nothing'), limit); })]);
  const read = (settings) => fetch(url, { signal: AbortSignal.timeout(limit), ...settings }).then(
    async (answer) => (answer.type === 'opaque' ? 'nothing' : `${answer.status} ${await answer.text()}`),
    () => 'nothing',
  );
  const encoded = { 'content-type': 'application/x-www-form-urlencoded' };
  const got = {
    'reads it': await read({}),
    'reads it with the secret': await read({ headers: { 'X-IDENTITY-HEADER': secret } }),
    'reads it and says not who it is': await read({ mode: 'no-cors', referrerPolicy: 'no-referrer' }),
    'asks for leave first': await read({ method: 'PUT', headers: { 'x-evil': '1' }, body: 'x' }),
    'posts a form': await read({ method: 'POST', headers: encoded, body: form }),
    'posts a form blindly': await read({ method: 'POST', mode: 'no-cors', headers: encoded, body: form }),
    'posts JSON': await read({ method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"resource":"graph"}' }),
    'opens a WebSocket': await within(new Promise((resolve) => {
      const socket = new WebSocket(url.replace('http:', 'ws:'));
      socket.onopen = () => { socket.close(); resolve('opened'); };
      socket.onerror = () => resolve('nothing');
    })),
  };
  if (typeof document === 'undefined') return got;

  const add = (kind, settings) => within(new Promise((resolve) => {
    const element = Object.assign(document.createElement(kind), settings);
    element.onload = () => resolve(element);
    element.onerror = () => resolve('nothing');
    document.body.append(element);
  }));
  const named = async (work, what) => ((await work) === 'nothing' ? 'nothing' : what());
  const inside = async (frame) => {
    try {
      return (await frame).contentDocument?.documentElement.innerText || 'nothing';
    } catch {
      return 'nothing';
    }
  };
  got['draws it'] = await named(add('img', { src: url, referrerPolicy: 'no-referrer' }), () => 'drawn');
  got['runs it'] = await named(add('script', { src: url, referrerPolicy: 'no-referrer' }), () => window.stolen ?? 'nothing');
  got['frames it'] = await inside(add('iframe', { src: url }));
  got['sends a form into a frame'] = await inside(within(new Promise((resolve) => {
    const frame = Object.assign(document.createElement('iframe'), { name: `frame-${Math.random()}` });
    document.body.append(frame);
    const [name, value] = form.split('=');
    const sent = Object.assign(document.createElement('form'), { method: 'post', action: url, target: frame.name });
    sent.append(Object.assign(document.createElement('input'), { name, value }));
    document.body.append(sent);
    // Some browsers load the empty document first.
    setTimeout(() => { frame.onload = () => resolve(frame); sent.submit(); }, 100);
  })));
  got['listens to it'] = await within(new Promise((resolve) => {
    const events = new EventSource(url);
    events.onmessage = ({ data }) => { events.close(); resolve(data); };
    events.onerror = () => { events.close(); resolve('nothing'); };
  }));
  navigator.sendBeacon(url, new Blob([form], { type: 'application/x-www-form-urlencoded' }));
  return got;
}
