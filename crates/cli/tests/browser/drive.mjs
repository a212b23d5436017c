// Chromium for the tests of the token console, ruled by whoever started it.
//
//   node drive.mjs NODE_MODULES CHROMIUM
//
// Standard input and output speak JSON, one message a line; the end of the input ends it. The
// first message is {"trusted": ["localhost:1234"]}: the servers whose certificates are taken as
// they are, and no others. Each later one has one member, the name of a function below, and its
// argument; the answer is {"value": …} or {"error": …}.
import { createHash, X509Certificate } from 'node:crypto';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { connect } from 'node:tls';

const [modules, executablePath] = process.argv.slice(2);
const { chromium } = createRequire(join(modules, 'x.js'))('playwright-core');
const TIMEOUT = 20_000; // milliseconds for any one step

/** What Chromium wants of a key that it is to trust: the SHA-256 of its SPKI. */
function keyHash(server) {
  const [host, port] = server.split(':');
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, rejectUnauthorized: false }, () => {
      const { raw } = socket.getPeerCertificate();
      const spki = new X509Certificate(raw).publicKey.export({ type: 'spki', format: 'der' });
      socket.destroy();
      resolve(createHash('sha256').update(spki).digest('base64'));
    });
    socket.once('error', reject);
  });
}

let browser;
let context;
let page;
let requests = []; // {url, from}: what was asked for, and the page that asked
let complaints = []; // of the browser about a page: CSP, errors of scripts

async function launch({ trusted }) {
  const hashes = await Promise.all(trusted.map(keyHash));
  browser = await chromium.launch({
    executablePath,
    args: [
      '--no-sandbox', // the tests run as root
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
      `--ignore-certificate-errors-spki-list=${hashes.join(',')}`,
    ],
  });
}

const orders = {
  /** Another browser: no cookies, no history. {"scheme", "width", "height", "scripts"} */
  async person({ scheme, width, height, scripts }) {
    await context?.close();
    requests = [];
    complaints = [];
    context = await browser.newContext({
      colorScheme: scheme ?? 'light',
      viewport: { width: width ?? 1100, height: height ?? 900 },
      javaScriptEnabled: scripts ?? true,
      deviceScaleFactor: 1,
      reducedMotion: 'reduce',
    });
    context.setDefaultTimeout(TIMEOUT);
    page = await context.newPage();
    page.on('request', (request) => {
      const from = request.isNavigationRequest() ? '' : page.url();
      requests.push({ url: request.url(), from });
    });
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) {
        complaints.push({ at: message.location().url, text: message.text() });
      }
    });
    page.on('pageerror', (error) => complaints.push({ at: page.url(), text: String(error) }));
  },
  /** The status of the page. */
  open: async (url) => (await page.goto(url)).status(),
  click: (selector) => page.click(selector),
  fill: ([selector, text]) => page.fill(selector, text),
  choose: ([selector, label]) => page.selectOption(selector, { label }),
  type: (text) => page.keyboard.type(text),
  press: async (key) => {
    await page.keyboard.press(key);
    await page.waitForLoadState();
  },
  /** Waits for what is visible, and gives its text. */
  text: (selector) => page.locator(selector).first().innerText(),
  value: (selector) => page.locator(selector).inputValue(),
  visible: (selector) => page.locator(selector).first().isVisible(),
  count: (selector) => page.locator(selector).count(),
  /** Waits until this is the address, by the page's script too. */
  arrive: (url) => page.waitForURL(url),
  title: () => page.title(),
  html: () => page.content(),
  cookies: () => context.cookies(),
  clear_cookies: () => context.clearCookies(),
  evaluate: (expression) => page.evaluate(expression),
  allow_clipboard: (origin) => context.grantPermissions(['clipboard-write'], { origin }),
  /** What is in the clipboard, by pasting it into another page. */
  async paste() {
    const other = await context.newPage();
    await other.setContent('<textarea autofocus></textarea>');
    await other.focus('textarea');
    await other.keyboard.press('Control+V');
    const text = await other.inputValue('textarea');
    await other.close();
    await page.bringToFront();
    return text;
  },
  /** Hours later, for the page's own clock. */
  async skip_time(seconds) {
    await page.clock.fastForward(seconds * 1000);
  },
  install_clock: () => page.clock.install(),
  screenshot: (path) => page.screenshot({ path, fullPage: true, animations: 'disabled' }),
  requests: () => requests,
  complaints: () => complaints,
};

for await (const line of createInterface({ input: process.stdin })) {
  try {
    const message = JSON.parse(line);
    if (message.trusted) {
      await launch(message);
      console.log(JSON.stringify({ value: true }));
      continue;
    }
    const [[name, argument]] = Object.entries(message);
    console.log(JSON.stringify({ value: (await orders[name](argument)) ?? null }));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error) }));
  }
}
await browser?.close();
process.exit(0);
