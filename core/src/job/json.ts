/** Plain data: what steps, cursors and records are made of, so that they can be stored, sent and compared. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
