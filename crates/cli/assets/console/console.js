// The token page: copying, the clock, and the role in the ready-made lines.
'use strict';

document.documentElement.classList.add('scripted');

// The provider's answer has a code in the address, which is used up: it need
// not stay there, nor in the history.
if (location.search) history.replaceState(null, '', location.pathname);

const announce = (text) => {
  const place = document.getElementById('announce');
  if (place) place.textContent = text;
};

function select(element) {
  if (element.select) {
    element.focus();
    element.select();
  } else {
    getSelection().selectAllChildren(element);
  }
}

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  const usual = button.dataset.usual ?? (button.dataset.usual = button.textContent);
  try {
    await navigator.clipboard.writeText(source.value ?? source.textContent);
    button.textContent = 'Copied';
    announce(`${button.dataset.what} copied`);
  } catch {
    select(source);
    button.textContent = 'Press Ctrl+C';
    announce('Selected; copy it with Control and C');
  }
  clearTimeout(button.timer);
  button.timer = setTimeout(() => (button.textContent = usual), 2500);
}

for (const button of document.querySelectorAll('button[data-copy]')) {
  button.addEventListener('click', () => copy(button));
}

const field = document.getElementById('token');
if (field) field.addEventListener('focus', () => field.select());

const role = document.getElementById('role');
if (role) {
  const write = () => {
    const names = role.selectedOptions[0].dataset;
    for (const place of document.querySelectorAll('[data-role]')) {
      place.textContent = names[place.dataset.role];
    }
  };
  role.addEventListener('change', write);
  write(); // a browser may remember a choice over a reload
}

const clock = document.getElementById('clock');
if (clock) {
  // By the server's clock: this machine's may be wrong.
  const ahead = Date.now() / 1000 - Number(clock.dataset.now);
  const expires = Number(clock.dataset.expires);
  const two = (number) => String(number).padStart(2, '0');
  const words = (left) => {
    const [hours, minutes, seconds] = [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60];
    return hours > 0 ? `${hours} h ${two(minutes)} min ${two(seconds)} s` : `${minutes} min ${two(seconds)} s`;
  };
  const tick = () => {
    const left = Math.max(0, Math.ceil(expires + ahead - Date.now() / 1000));
    if (left > 0) {
      clock.textContent = `Valid for ${words(left)}`;
      return;
    }
    clearInterval(timer);
    clock.textContent = 'Expired';
    document.body.classList.add('expired');
    for (const button of document.querySelectorAll('button[data-copy]')) button.disabled = true;
    document.getElementById('another').classList.add('primary');
    announce('The token has expired. Generate another token.');
  };
  const timer = setInterval(tick, 1000);
  tick();
}
