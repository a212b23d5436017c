//! RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2): the whole encoded message counts, not just the hash
//! that is found in it. Bleichenbacher's forgery of 2006 lives on what is not looked at.
//!
//! Each signature is the key's own over another encoding of one message, made with raw RSA. The
//! private key is gone.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jwt_sso_core::algorithm::Algorithm;
use jwt_sso_core::jwk::PublicKey;
use jwt_sso_core::{json, signature};

const MESSAGE: &[u8] = b"the message";

#[rustfmt::skip] // it would not break these texts
const N: &str = "\
    uXlWui6y61LfGexAM5rUdLn6ttAYYluDq6IzXpEydhxG6W2-UpmnbMxCHdOnUrzaoo9sd5JNm65-FiNk2_k6\
    9-CN8TvK-LuEdxbZZ_z-YRkarWV0X3BMzNjOtEzwYqHSAP0R7P9q_pkBgLBesmy9SjWFVkF66WKKXATw1OjN\
    Q0d0fL0fAJ5GKcy7pZ9MIGFkzoZ8WMMyrAfD80qCFbK3iUa5IzzkCRoRj8l-P_fCuQ2HUMtHL5QcGv4JXa_b\
    K7al9nut98COOqmm5zI2IXUKl_nk-PGhKvYbxbdlOssg568j0HolziTITeaVCvdWnpdHrstqfD-_Qm9x8fjG\
    O77sPQ";

/// The first is right.
#[rustfmt::skip]
const SIGNATURES: [(&str, &str); 11] = [
    ("as it is to be",
        "sc1MbQXJZ9__9ME7Nz9lqt5q7YYtTntv-TXHLRCNBHK46Gy9MDtQCklJQh2QN7NGdJw5NOL8HtXOYJd7w7j0\
            LIa8R9o-pyiXPxyMV3R3pKnPSTKjW0mOaYEh9iA8SPdDSnB5Mri7SckBOP-cdl1PZboaxOVmdxrDXIauWYsV\
            a_BJ0Dcg4gUx9_FIps1wAstj7DjvYUnfRS_t_-ujKJYkSTH20QsMqjHkXTr1J3D_AZybFikKdDfLuV7fvU2o\
            KjECnhd6UUOD8Qq74nzNyNePg2TBBH0jj9wsxoN86ZDgs9zG02kvCw7P7meu6rkAg-ApRV4QCaqOA9s-wdsc\
            Dq4aKg"),
    ("eight bytes of padding, and garbage behind the hash",
        "e0EVqpy87DWVIHl6LYw6TK1D3LqJdv1THZZfC6ten0dExcK7v1_G9Aj7usiau5qBmkro2OVH1xhlJcbBjkTk\
            gcewUmp4czXvYqjSv_pr6NNypsxIRcU077egWTiog_cDbXZKY6AZfCSI0F1CKwEABlOx2Mq3_Bf_OVKNobQT\
            vutahIVK3qMkjafJGn4Jc02iC1fXkoBtgF46Kcv5O8yM33cKMhiQh693ieJi8e3moc94qKsbScmBeE_YAK4P\
            A3D4pobD0YkDguwQ7M4PYIfJgZxtFwyegulE-H19xQPrQW8tmBLqnKrEmTz4zQcsZYolxdWpnHhb0P0qeu8W\
            MKrcAQ"),
    ("a byte of the padding that is not ff",
        "VBxhbMfcf96Jc3h51Fc1kcdcJ-Yn6ku3nN77V5lDa1wVJ3rim2MHSi2K-Mos6SDsMtXVWAvsUsEFoEBjvpRg\
            2eQT-UqtD_fY5jpuDA8x5UQmddCnEEso39Mqiv8op5cTwuPjbEb5VDyRxo4lskZXV4DX4wF4X622baYms5TV\
            6u2ujpg7lM_vB2PzmVHSyXoE4RUVFzz4pOW1npeav5ZfZ23wqIB17QCffjl1IwkL2iBFhaME2hgz7J5r0gl9\
            XJT6iQvJz8BWrYE8JmGYakFbmwp7e7WJ3q8sQdfcUDGqBROi9kjSrbz_qGTH43TRP4fPAD33XVhY4M8IFrQy\
            -H3XJQ"),
    ("block type 2",
        "TFilpm-lhOcBqQcuJnzKxrGmdLYpUiclg2Cl9f-i_OjumvB75JvDCC4AqDCJmsj4xJgBH2UhSM6ARZ-SmtA1\
            b9H1iNprAPUO9-7gAZJXDNtr06V9yz7j0VFKA6KysVPkGoVvZlzAimHXyr2PsYxZSvfIGs1FALG8UaVxibZJ\
            01FskOLeTelJFmYZZO65H-gBeCRbcwwc5oGFJyaAGcWv9AgsNmWynJnHWUTa8NmRMJ6h6wgINW2sRGqfTPZH\
            WqE9dJtESMc7NsI2f6qiV_CkIzOLDTehlWzcvu7HW1wHOG3ChtnEXe7_nQ3xpgytk_MXDmU6ZeVz_wDEYldH\
            mNRcUg"),
    ("block type 0",
        "TrBrqwwlPCbqHEqRmMXzP29oXfPq01FKaFmwVg35AZISh_nYT7osiKnDnYaY7ibq1YJXwF2W5S3w8K1bScWw\
            a7JrxCfbkD32nX83hv6L5n5y9Ua87wCwML0q5j-2iJog38CF0xOOnGC0dKN67T1vSBJ8s8JccByHD_RJvRwW\
            1DrRNbTB6kYJmN4BzWJLiaD7TKaF5isRW5brETK3NBYFyOsc22xyletqAxqHXKX4s-zBIBwjFVp9KSiaUXKF\
            Z5940Af5sb7Wbqai1nD4nTO6Xmy4mceDHOAEXO-TeVxHgfy4rQN3WDfvEEPiF04YPMuZQ6QtWH3oworua5W4\
            PCgv1Q"),
    ("a first byte that is not 0",
        "N8q4wSZ5KRPXTmwZFwTxOlG5eKJxSQ9yU15tj_CT8Yc7xV8J6uM-O5GK_Zi_l8WNwp2GEtkvcup-84G6Ain3\
            uOCMeW80ut-QFx-sVnYCrzCsxuLhuJST5v26rTZd2fX-XxvxD047QD3XsL2LpiaSC-Qr3l0CRNhdeDDqiKC7\
            tTmCeq7_5Zg5kwiuvbG3KohpKopZOIu_jgUNSATTU097UXFmt1c5ocgSrqBcfciVsK1ppBLNpUoT_dW3UkzU\
            vbLlSoSs9iBauBebNr1fRSxf8rEitjly7ns1aZ1BkDp7vsoJt_5s3YD46xvRSfezmbW7eR59mdlq9el-g-0S\
            Pq-e9A"),
    ("no NULL behind the name of the hash",
        "oqNQfekxIWpcswugdgfLIU0BezMhxhxUQF91BEm_WC71m8DWCV13yly0I0gdXflEA0cAMgUf4vihdf3lY4z0\
            LsyTLwcf23YUjvDbRzUH58q0UbSbdOLSJn8D_iiLbxaE1V1MB6LdfQg6pY9dpIUFGGOgl-fVYqnmoIzNxf61\
            4hQmZ0Wv-pIAH8CLiY8oWhUUJQx-bjfxdd2aHza2EAr3IJ0dmATs3Ir8JYwXGNdSqbaK8k81TPG-B8z9OcHp\
            WnwZofot7WgSzl1RQpbuSJ3iqtJkG5wy3Qf0iIwD8oZsocaXkxxDWsdP_UgZK3YqYYqh6-51q7WGyXu6gqcQ\
            YDJDxw"),
    ("a hash without its name",
        "Fln5Ncn801AchqCZCFQxWGwimIe0bhUcui2Tnvmt3CJFQwVONabmCOQQNJpIK1lFZaLQxjt71e6HwXhm9Tk3\
            O3hQS9nUmB4CrLKtqEg3yQxG2HqVlg-vWDiMty1PjDFF2JhE9_OYdg9tRBI2dElNmoVjg1RKA6iD0lNMuZ7P\
            NRtZEt64WP1HS606bToqQVqd7oYEfpWPk3QyfCoiJ_C-5SiFG9xfQMYqH1bEv-BbtYmoGJiljwpuGVEufg9f\
            jn_kw2EOCTS_MY_8FAyEiiPROqfdNDPOuy8pah5sWy67Cq14C2-1Cehm-enJeLR_NL-GTIuG9Aejs9o2TX_a\
            R2ht6w"),
    ("SHA-1",
        "XaURRfsPo4V0IzAoSDTmDJY-4PwQIkJ8IsgGiJFmcSNTXsNPzsK5fQ5mngbkI4QRUZBfmvVwy3hWnk509nES\
            2CG0BTn4ApqmYj5C5hdJMOri_8gGNPf2YFvJezwWF10Lxtry7qxU8OlOByjjxxQKFusSj5YpfcgohfVt8prv\
            PBsN3nWmi1jAW7R98v9L-f4Rik9Z5-4gfeMgdzyyLdJl-IwaXVBbarRfaBYnGJkOHNPZwB79hl-WXVt4Weow\
            r6SXUF3bP23kwZ84cHwhNIj87WRfjVAwuk7ukeDwi2uz0XLjc8DUZFEYD2hi7K5ZSBLFMnGVmuDp_7jH66kH\
            Hngzbg"),
    ("no zero before the name of the hash",
        "VMuIfVkgPZGW_bRcM5niJ1bQxUe_rNydUzDD1J9jO7tp1uKVaXY89P-CqOvQ_UHdZcZIy3lRRSct760bgMaT\
            uoOsG2XrJx7t9rHKVFLGXtWXVM6VAnsFAR7Jy_58Of_0wh85zrE6xXXHZq7KFeL9Keuhlt_6SGTtHBpiKk2U\
            GifBG-eajmz2UbqdQoTO_lUvmmuTm9iiOYOINbl8Fby7Mx4BtGWV53ZRIbOGE5guqTomNkCdfoRQ196J3-NB\
            vgtxz8DdTeO4bElC6lDhjk1GOJ05g6TloLni8mjp-xAnjz_ijUeNHeXz3o6vPHANFk4zPGW4-P4f3qCGSa6G\
            oCSe-Q"),
    ("a length in two bytes, which DER forbids",
        "iElP0DAHlQP0tYTrFdiGWZfhkeHEYYUOH7UbudSVGHeLnuxaBud46vU6wxq60pv-UBrwbaJiqDXy0hLKtW5h\
            7azfHGprDqyEEH8dwguZKjS2GUreD8LwuGDpxZqTBxNocvvw0q0Wc4TRk_BfghofLENch_UPTTTB2HpsAmY_\
            Z_1FdiXLlgVJGZFLta2tlZ-UeNdN5EqPWve_pcPW5BiiTlZDCiFTzVYoPw1_6QCAmQiwDuXj49z7waCBQjic\
            -gWznkQLoihP4XNUz0L_SrIWwOMwLudZLpExZFPuTV5N3a06t7-3XEeT_Ar45GmtVFfdG2htWNHFFrJmJiWK\
            EoZ19A"),
];

#[test]
fn only_the_whole_encoding_is_taken() {
    let jwk = format!(r#"{{"kty":"RSA","e":"AQAB","n":"{N}"}}"#);
    let key = PublicKey::from_jwk(&json::parse(jwk.as_bytes()).unwrap()).unwrap();
    for (number, (encoding, signature)) in SIGNATURES.into_iter().enumerate() {
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let taken = signature::verify(&key, Algorithm::Rs256, MESSAGE, &signature);
        assert_eq!(taken, number == 0, "{encoding}");
    }
}
