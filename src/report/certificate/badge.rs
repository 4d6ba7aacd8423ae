//! The badge: a small picture for a README. Self-contained, without scripts; it proves nothing, and says how to check.

use crate::judge::printable_up_to;
use crate::model::certificate::Certificate;
use crate::model::markup::escaped;

/// Characters of the partner's name that have room.
const MOST: usize = 40;

/// The picture, as SVG.
pub fn svg(certificate: &Certificate) -> String {
    let left = "countersign";
    let right = format!(
        "{} · {} {}",
        printable_up_to(MOST, &certificate.partner),
        certificate.tier,
        printable_up_to(MOST, &certificate.suite.version)
    );
    // Seven units a character are enough for any sans serif face at this size.
    let wide = |text: &str| text.chars().count() * 7 + 12;
    let (a, b) = (wide(left), wide(&right));
    let title = escaped(&format!(
        "Judged by countersign on {} up to tier {}; check the certificate with: countersign verify FILE",
        printable_up_to(MOST, &certificate.date),
        certificate.tier
    ));
    let right = escaped(&right);
    let (whole, middle_left, middle_right) = (a + b, a / 2, a + b / 2);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{whole}\" height=\"20\" role=\"img\" aria-label=\"{title}\">\n<title>{title}</title>\n<rect width=\"{a}\" height=\"20\" fill=\"#404552\"/>\n<rect x=\"{a}\" width=\"{b}\" height=\"20\" fill=\"#1f6f43\"/>\n<g fill=\"#fff\" text-anchor=\"middle\" font-family=\"Verdana,DejaVu Sans,sans-serif\" font-size=\"11\">\n<text x=\"{middle_left}\" y=\"14\">{left}</text>\n<text x=\"{middle_right}\" y=\"14\">{right}</text>\n</g>\n</svg>\n"
    )
}
