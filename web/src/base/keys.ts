// SPDX-License-Identifier: Apache-2.0
// Keys that belong to a control are not taken by a view.
export function belongsToControl(e: KeyboardEvent): boolean {
  const t = e.target as HTMLElement | null;
  return (
    e.ctrlKey || e.metaKey || e.altKey || !!t?.closest('input, select, textarea, button, summary')
  );
}
