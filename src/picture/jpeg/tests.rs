use super::*;

fn jpeg() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::DynamicImage::new_rgb8(64, 48).write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

fn whole(bytes: &[u8]) -> Option<std::ops::Range<usize>> {
    Walk::default().whole(bytes)
}

#[test]
fn a_picture_is_whole_with_its_end_wherever_it_stands() {
    let picture = jpeg();
    for length in 0..picture.len() {
        assert_eq!(whole(&picture[..length]), None, "{length} of {}", picture.len());
    }
    assert_eq!(whole(&picture), Some(0..picture.len()));
    let wrapped = [b"--b\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8", &picture[..], b"\r\n--b\r\n", &picture].concat();
    assert_eq!(whole(&wrapped), Some(35..35 + picture.len()));
}

#[test]
fn a_picture_that_comes_byte_by_byte_is_whole_with_its_last_byte() {
    let (junk, picture) = (&b"\xff\xd8 \xff"[..], jpeg());
    let all = [junk, &picture].concat();
    let mut walk = Walk::default();
    for length in 0..all.len() {
        assert_eq!(walk.whole(&all[..length]), None, "{length}");
        assert!(walk.at <= length.max(2), "{length}");
    }
    assert_eq!(walk.whole(&all), Some(junk.len()..all.len()));
}

#[test]
fn of_a_picture_that_broke_off_and_the_next_one_the_next_is_whole() {
    let picture = jpeg();
    let both = [&picture[..picture.len() - 10], &picture].concat();
    assert_eq!(whole(&both), Some(picture.len() - 10..both.len()));
}

#[test]
fn the_end_of_a_preview_in_the_header_is_not_the_pictures_end() {
    let (picture, preview) = (jpeg(), jpeg());
    let length = u16::try_from(preview.len() + 2).unwrap().to_be_bytes();
    let with_preview = [&[0xff, 0xd8, 0xff, 0xff, 0xe1], &length[..], &preview, &picture[2..]].concat();
    assert_eq!(whole(&with_preview), Some(0..with_preview.len()));
    assert_eq!(whole(&with_preview[..with_preview.len() - 1]), None);
}

#[test]
fn passes_are_told_by_the_frames_marker() {
    let mut picture = jpeg();
    assert!(!may_be_progressive(&picture));
    let frame = picture.windows(2).position(|two| two == [0xff, 0xc0]).unwrap();
    for passes in [0xc2, 0xc6, 0xca, 0xce] {
        picture[frame + 1] = passes;
        assert!(may_be_progressive(&picture));
    }
}

#[test]
fn a_structure_that_is_not_understood_counts_as_passes() {
    let picture = jpeg();
    let frame = picture.windows(2).position(|two| two == [0xff, 0xc0]).unwrap();
    for stray in
        [&b"\0"[..], b"\0\0", b"\xff\x01", b"\xff\xd0", b"\xff\xd8", b"\xff\0", b"\xff\x02\0\x02", b"\xff\xe0\0\x01"]
    {
        for at in [2, frame] {
            let strange = [&picture[..at], stray, &picture[at..]].concat();
            assert!(may_be_progressive(&strange), "{stray:?} at {at}");
            assert!(at == 2 || whole(&strange).is_some(), "decoders pass over it: {stray:?} at {at}");
        }
    }
    for cut in 0..picture.windows(2).position(|two| two == [0xff, 0xda]).unwrap() {
        assert!(may_be_progressive(&picture[..cut]), "{cut}");
    }
    assert!(
        !may_be_progressive(&[&picture[..2], &[0xff; 9], &picture[2..]].concat()),
        "fill bytes are of the standard"
    );
}

#[test]
fn garbage_is_no_picture() {
    for garbage in [&b""[..], b"\xff\xd8", b"\xff\xd8\xff\xff\xff\xff", b"\xff\xd8\xff\xe0\xff\xff", b"\x89PNG"] {
        assert!(may_be_progressive(garbage) && whole(garbage).is_none(), "{garbage:?}");
    }
}
