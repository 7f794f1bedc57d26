/** HTML in which every value is escaped, as JSX makes it. */
export type Html = EscapedText | Promise<EscapedText>;

/** Text that needs no escaping any more. */
export type EscapedText = string & { readonly isEscaped: true };
