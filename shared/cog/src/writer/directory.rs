use super::{field::Field, form::Form};
use crate::{Error, ImageTags, tags};

/// A directory to write and the places of its tiles.
#[derive(Debug)]
pub(super) struct Directory<'a> {
    fields: Vec<Field>,
    /// Where the values of each field go; unused for inline ones.
    places: Vec<u64>,
    pub offset: u64,
    /// Offset of the next directory of the chain, 0 for none.
    pub next: u64,
    /// Bytes of each tile, 0 for sparse ones.
    pub lengths: &'a [u64],
    /// Offset of each tile, 0 for sparse ones.
    pub tiles: Vec<u64>,
}

impl<'a> Directory<'a> {
    pub fn new(
        tags: &ImageTags,
        lengths: &'a [u64],
        sub_ifds: usize,
        form: Form,
    ) -> Result<Self, Error> {
        let fields = super::field::fields(tags, lengths.len() as u64, sub_ifds as u64, form)?;
        let places = vec![0; fields.len()];
        Ok(Self {
            fields,
            places,
            offset: 0,
            next: 0,
            lengths,
            tiles: vec![0; lengths.len()],
        })
    }

    /// Gives a place to the directory and its values, the tile arrays aside. Returns the end.
    pub fn place(&mut self, at: u64, form: Form) -> u64 {
        self.offset = form.align(at);
        let entries = self.fields.len() as u64 * form.entry();
        self.place_values(
            self.offset + form.count() + entries + form.word(),
            form,
            false,
        )
    }

    /// Gives a place to the tile arrays. Returns the end.
    pub fn place_arrays(&mut self, at: u64, form: Form) -> u64 {
        self.place_values(at, form, true)
    }

    fn place_values(&mut self, at: u64, form: Form, arrays: bool) -> u64 {
        let mut end = at;
        for (field, place) in self.fields.iter().zip(&mut self.places) {
            if field.is_tile_array() == arrays && field.byte_len() > form.word() {
                *place = form.align(end);
                end = *place + field.byte_len();
            }
        }
        end
    }

    /// Sets the values of the tag that references sub-directories.
    pub fn refer_to(&mut self, sub_ifds: &[u64], form: Form) {
        for field in self
            .fields
            .iter_mut()
            .filter(|field| field.tag == tags::SUB_IFDS)
        {
            field.bytes.clear();
            for offset in sub_ifds {
                form.put(&mut field.bytes, *offset);
            }
        }
    }

    /// Appends the directory and its values to `out`, which holds the file from offset 0 on.
    pub fn write(&self, out: &mut Vec<u8>, form: Form) {
        out.resize(self.offset as usize, 0);
        let count = (self.fields.len() as u64).to_le_bytes();
        out.extend(&count[..form.count() as usize]);
        for (field, place) in self.fields.iter().zip(&self.places) {
            out.extend(field.tag.to_le_bytes());
            out.extend(field.kind.to_le_bytes());
            form.put(out, field.count);
            if field.byte_len() > form.word() {
                form.put(out, *place);
            } else {
                let end = out.len() + form.word() as usize;
                out.extend(self.bytes(field, form));
                out.resize(end, 0);
            }
        }
        form.put(out, self.next);
        self.write_values(out, form, false);
    }

    /// Appends the tile arrays.
    pub fn write_arrays(&self, out: &mut Vec<u8>, form: Form) {
        self.write_values(out, form, true);
    }

    fn write_values(&self, out: &mut Vec<u8>, form: Form, arrays: bool) {
        for (field, place) in self.fields.iter().zip(&self.places) {
            if field.is_tile_array() == arrays && field.byte_len() > form.word() {
                out.resize(*place as usize, 0);
                out.extend(self.bytes(field, form));
            }
        }
    }

    fn bytes(&self, field: &Field, form: Form) -> Vec<u8> {
        match field.tag {
            tags::TILE_OFFSETS => {
                let mut bytes = Vec::with_capacity(field.byte_len() as usize);
                self.tiles
                    .iter()
                    .for_each(|offset| form.put(&mut bytes, *offset));
                bytes
            }
            tags::TILE_BYTE_COUNTS => self
                .lengths
                .iter()
                .flat_map(|len| (*len as u32).to_le_bytes())
                .collect(),
            _ => field.bytes.clone(),
        }
    }
}
