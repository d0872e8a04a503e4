/** The command line's exit statuses: done; failed, or different; called with wrong words. */
export const EXIT_DONE = 0
export const EXIT_FAILED = 1
export const EXIT_USAGE = 2
