//+------------------------------------------------------------------+
//| EABridge/Sources/BookFile.mqh                                    |
//| A book's file: bridge/book/book.py writes it and says how it is  |
//| laid out. Whatever its bytes are, reading them ends in a         |
//| forecast or in a reason: sizes are held against the file before  |
//| memory is asked for, and checksums before a number is believed.  |
//+------------------------------------------------------------------+
#ifndef EABRIDGE_SOURCES_BOOK_FILE_MQH
#define EABRIDGE_SOURCES_BOOK_FILE_MQH

#include "../Fallible.mqh"
#include "../ModelInfo.mqh"
#include "Fold.mqh"

#define EABRIDGE_BOOK_MAGIC ((ulong)0x0A314B4F4F424145)  // "EABOOK1\n" as it lies in memory
#define EABRIDGE_BOOK_PAGE_WORDS 32768          // 256 KiB of records are read at once
#define EABRIDGE_BOOK_LONGEST_NAME 256          // bytes of a label or a symbol
#define EABRIDGE_BOOK_MOST_DIGITS 8

union UBookWord
  {
   ulong             word;
   double            number;
  };

class CBookFile : public CFallible
  {
private:
   string            m_name;
   int               m_handle;
   string            m_symbol;
   int               m_digits;
   int               m_horizon;
   int               m_levels;
   int               m_count;             // entries
   ulong             m_header[];          // the fixed part, levels, label and symbol, as words
   long              m_times[];
   ulong             m_window_sums[];
   ulong             m_record_sums[];
   long              m_records_at;        // where in the file they begin
   int               m_record_words;
   ulong             m_page[];            // m_page_count records from m_page_first on
   int               m_page_first;
   int               m_page_count;

   bool              ReadHeader(CModelInfo &info, const ulong size);
   bool              ReadIndex();
   bool              ReadPage(const int first);
   int               Half(const int word, const bool upper) const;
   string            Text(const int word, const int bytes) const;
   bool              Missing();
   bool              Damaged(const string how);

public:
                     CBookFile();
                    ~CBookFile();
   bool              Open(const string name, CModelInfo &info);
   bool              IsOpen() const                       { return m_handle != INVALID_HANDLE; }
   void              Close();

   string            Name() const                         { return m_name; }
   string            Symbol() const                       { return m_symbol; }
   int               Digits() const                       { return m_digits; }
   int               Count() const                        { return m_count; }
   datetime          Time(const int entry) const          { return (datetime)m_times[entry]; }
   ulong             WindowChecksum(const int entry) const { return m_window_sums[entry]; }
   bool              Read(const int entry, double &quantiles[], double &up[]);
  };

CBookFile::CBookFile()
   : m_name(""),
     m_handle(INVALID_HANDLE),
     m_symbol(""),
     m_digits(0),
     m_horizon(0),
     m_levels(0),
     m_count(0),
     m_records_at(0),
     m_record_words(0),
     m_page_first(0),
     m_page_count(0)
  {
  }

CBookFile::~CBookFile()
  {
   Close();
  }

bool CBookFile::Open(const string name, CModelInfo &info)
  {
   Close();
   m_name = name;
   const int flags = FILE_READ | FILE_BIN | FILE_SHARE_READ;
   m_handle = FileOpen(name, flags);
   if(m_handle == INVALID_HANDLE)
      m_handle = FileOpen(name, flags | FILE_COMMON);
   if(m_handle == INVALID_HANDLE)
      return Missing();
   if(!ReadHeader(info, FileSize(m_handle)) || !ReadIndex())
     {
      Close();
      return false;
     }
   return Succeed();
  }

void CBookFile::Close()
  {
   if(m_handle != INVALID_HANDLE)
      FileClose(m_handle);
   m_handle = INVALID_HANDLE;
   m_count = 0;
   m_page_count = 0;
   ArrayFree(m_header);
   ArrayFree(m_times);
   ArrayFree(m_window_sums);
   ArrayFree(m_record_sums);
   ArrayFree(m_page);
  }

// The header, and what it says the whole file's size is.
bool CBookFile::ReadHeader(CModelInfo &info, const ulong size)
  {
   const int fixed_words = 8;
   ArrayResize(m_header, fixed_words);
   if(FileReadArray(m_handle, m_header, 0, fixed_words) != (uint)fixed_words)
      return Damaged("it is too short to be a book");
   if(m_header[0] != EABRIDGE_BOOK_MAGIC)
      return Damaged("it is no book, or one of another version of eabridge");
   const int header_bytes = Half(1, false);
   const int levels = Half(3, false);
   const int label_bytes = Half(4, true);
   const int symbol_bytes = Half(5, false);
   m_digits = Half(4, false);
   info.columns = Half(1, true);
   info.context = Half(2, false);
   info.horizon = Half(2, true);
   info.tf = Half(3, true);
   if(levels < 1 || levels > EABRIDGE_MOST_LEVELS || label_bytes < 0 || symbol_bytes < 0 ||
      label_bytes > EABRIDGE_BOOK_LONGEST_NAME || symbol_bytes > EABRIDGE_BOOK_LONGEST_NAME)
      return Damaged("its header names sizes that no book has");
   const int header_words = fixed_words + levels + (label_bytes + 7) / 8 + (symbol_bytes + 7) / 8;
   if(header_bytes != header_words * 8 || (ulong)header_bytes > size)
      return Damaged("its header has not the size that it names");
   const int more = header_words - fixed_words;
   ArrayResize(m_header, header_words);
   if(FileReadArray(m_handle, m_header, fixed_words, more) != (uint)more)
      return Damaged("its header is cut short");
   ArrayResize(info.levels, levels);
   for(int i = 0; i < levels; i++)
     {
      UBookWord bits;
      bits.word = m_header[fixed_words + i];
      info.levels[i] = bits.number;
     }
   if(!info.IsSound() || m_digits < 0 || m_digits > EABRIDGE_BOOK_MOST_DIGITS)
      return Damaged("its header describes no model");
   info.label = Text(fixed_words + levels, label_bytes);
   m_symbol = Text(fixed_words + levels + (label_bytes + 7) / 8, symbol_bytes);
   m_horizon = info.horizon;
   m_levels = levels;
   m_record_words = m_horizon * (m_levels + 1);
   const ulong entry_bytes = (ulong)(3 + m_record_words) * 8;
   const ulong entries = (size - (ulong)header_bytes) / entry_bytes;
   if(m_header[6] == 0 || m_header[6] != entries || entries > (ulong)(INT_MAX / 8) ||
      size != (ulong)header_bytes + entries * entry_bytes)
      return Damaged("it is not as long as its header says: it may have been copied in part");
   m_count = (int)entries;
   m_records_at = (long)header_bytes + (long)m_count * 24;
   return true;
  }

// Three columns: the bars' times, the checksums of their windows, the checksums of the records.
bool CBookFile::ReadIndex()
  {
   const uint count = (uint)m_count;
   if(FileReadArray(m_handle, m_times, 0, m_count) != count ||
      FileReadArray(m_handle, m_window_sums, 0, m_count) != count ||
      FileReadArray(m_handle, m_record_sums, 0, m_count) != count)
      return Damaged("its index is cut short");
   const ulong expected = m_header[7];
   m_header[7] = 0;
   ulong sum = Fold(0, m_header, 0, ArraySize(m_header));
   for(int i = 0; i < m_count; i++)
      sum = FoldOne(sum, (ulong)m_times[i]);
   sum = Fold(sum, m_window_sums, 0, m_count);
   sum = Fold(sum, m_record_sums, 0, m_count);
   if(sum != expected)
      return Damaged("its index does not add up to its checksum");
   for(int i = 1; i < m_count; i++)
      if(m_times[i] <= m_times[i - 1])
         return Damaged("its bars are out of order");
   return true;
  }

// The record of an entry. The arrays have the sizes of the model's forecast.
bool CBookFile::Read(const int entry, double &quantiles[], double &up[])
  {
   if(entry < m_page_first || entry >= m_page_first + m_page_count)
      if(!ReadPage(entry))
         return false;
   const int at = (entry - m_page_first) * m_record_words;
   if(Fold(0, m_page, at, m_record_words) != m_record_sums[entry])
      return Damaged("the forecast for " + TimeToString(Time(entry)) + " is not the one written");
   const int prices = m_horizon * m_levels;
   UBookWord bits;
   for(int i = 0; i < prices; i++)
     {
      bits.word = m_page[at + i];
      quantiles[i] = bits.number;
     }
   for(int h = 0; h < m_horizon; h++)
     {
      bits.word = m_page[at + prices + h];
      up[h] = bits.number;
     }
   return true;
  }

bool CBookFile::ReadPage(const int first)
  {
   m_page_count = 0;
   const int records = MathMin(MathMax(EABRIDGE_BOOK_PAGE_WORDS / m_record_words, 1),
                               m_count - first);
   const int words = records * m_record_words;
   if(!FileSeek(m_handle, m_records_at + (long)first * m_record_words * 8, SEEK_SET) ||
      FileReadArray(m_handle, m_page, 0, words) != (uint)words)
      return Damaged("its forecasts cannot be read");
   m_page_first = first;
   m_page_count = records;
   return true;
  }

// A 32-bit number in a word of the header. One beyond an int comes out negative, and is refused
// with the other sizes that cannot be.
int CBookFile::Half(const int word, const bool upper) const
  {
   return (int)(uint)(upper ? m_header[word] >> 32 : m_header[word] & 0xFFFFFFFF);
  }

string CBookFile::Text(const int word, const int bytes) const
  {
   if(bytes == 0)
      return "";
   uchar characters[];
   ArrayResize(characters, bytes);
   for(int i = 0; i < bytes; i++)
      characters[i] = (uchar)((m_header[word + i / 8] >> (8 * (i % 8))) & 0xFF);
   return CharArrayToString(characters, 0, bytes, CP_UTF8);
  }

// A test sees the folder common to all terminals, and not this terminal's own.
bool CBookFile::Missing()
  {
   const int error = GetLastError();
   const string common = TerminalInfoString(TERMINAL_COMMONDATA_PATH) + "\\Files\\" + m_name;
   return Fail(FORECAST_BOOK_MISSING,
               StringFormat("There is no book %s (error %d): make it with eabridge book, and " +
                            "write or copy it to %s", m_name, error, common));
  }

bool CBookFile::Damaged(const string how)
  {
   return Fail(FORECAST_BOOK_DAMAGED, "The book " + m_name + " is damaged: " + how +
               ". Make it again with eabridge book");
  }

#endif
