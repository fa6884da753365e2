// SPDX-License-Identifier: Apache-2.0
// Light or dark: what the system says until a person chooses; the choice is remembered.
import { Store } from './store';

export type Theme = 'light' | 'dark';
const kKey = 'strata.theme';
const system = matchMedia('(prefers-color-scheme: dark)');

function remembered(): Theme | null {
  try {
    const v = localStorage.getItem(kKey);
    return v === 'light' || v === 'dark' ? v : null;
  } catch {
    return null;
  }
}
const effective = (): Theme => remembered() ?? (system.matches ? 'dark' : 'light');

export const theme = new Store<Theme>(effective());

function apply(): void {
  const chosen = remembered();
  if (chosen) document.documentElement.dataset.theme = chosen;
  else delete document.documentElement.dataset.theme;
  theme.set(effective());
}
system.addEventListener('change', apply);
apply();

export function toggleTheme(): void {
  try {
    localStorage.setItem(kKey, theme.get() === 'dark' ? 'light' : 'dark');
  } catch {
    /* private mode: not remembered */
  }
  apply();
}

export function cssColour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
